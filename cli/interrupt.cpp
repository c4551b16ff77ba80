#include "interrupt.h"

#include <pthread.h>

namespace knear::cli {

// A signal handler could not call request_stop(), which may take locks; a thread that waits for signals can.
Interrupt::Interrupt() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit then fails the write, which says so
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  over_ = true;
  pthread_kill(watcher_.native_handle(), SIGTERM);
  watcher_.join();
}

void Interrupt::watch() {
  for (bool first = true;; first = false) {
    int signal = 0;
    sigwait(&signals_, &signal);
    if (over_) return;
    if (first) {
      source_.request_stop();
      continue;
    }
    std::signal(signal, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    std::raise(signal);
  }
}

}  // namespace knear::cli
