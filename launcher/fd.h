// A file descriptor that is closed when its owner goes.
#pragma once

#include "storage/fd.h"

namespace launcher {

using storage::unique_fd;

}  // namespace launcher
