// All of knear.
#pragma once

#include "knear/codec.h"
#include "knear/codecs.h"
#include "knear/dataset.h"
#include "knear/error.h"
#include "knear/index.h"
#include "knear/io.h"
#include "knear/knn.h"
#include "knear/matrix.h"
#include "knear/metric.h"
#include "knear/names.h"
#include "knear/parallel.h"
#include "knear/params.h"
#include "knear/scan.h"
#include "knear/selector.h"
#include "knear/spec.h"
#include "knear/version.h"
