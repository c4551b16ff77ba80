"""What knear raises: knear.Error, in classes that are also the built-in errors a caller would catch."""


class Error(Exception):
    """Any error of knear; the message names the numbers involved."""

    __module__ = "knear"
    __str__ = Exception.__str__


class InvalidArgument(Error, ValueError):
    """Numbers that do not fit: another dimension, k = 0, rows with NaN, an unknown name."""

    __module__ = "knear"


class WrongType(Error, TypeError):
    """An element type or object that the call does not take."""

    __module__ = "knear"


class WrongState(Error, RuntimeError):
    """Not now: the index is not trained yet, or is merged into itself."""

    __module__ = "knear"


class NotFound(Error, KeyError):
    """An id that the index does not hold."""

    __module__ = "knear"


class DuplicateId(Error, ValueError):
    """An id that the index holds already, under on_duplicate="error"."""

    __module__ = "knear"


class IoFailure(Error, OSError):
    """The operating system refused: no such file, no permission, disk full."""

    __module__ = "knear"


class CorruptFile(Error, OSError):
    """The bytes of a file contradict themselves."""

    __module__ = "knear"


class Conflict(Error, OSError):
    """Another process writes the same file."""

    __module__ = "knear"


class OutOfMemory(Error, MemoryError):
    """More memory asked for than there is."""

    __module__ = "knear"


class Stopped(Error):
    """A progress function returned False; the index is as it was."""

    __module__ = "knear"


class Timeout(Error, TimeoutError):
    """The timeout of the call passed; the index is as it was."""

    __module__ = "knear"


class Unsupported(Error, NotImplementedError):
    """Known, but not in this build or version."""

    __module__ = "knear"
