// What the files of the journal read its rows with.
#pragma once

#include "launcher/moment.h"
#include "storage/sqlite.h"

namespace launcher {

// Three columns: wall, boot, boot_id.
inline moment moment_at(const storage::statement& row, int column) {
    return {row.number(column), row.number(column + 1), row.text(column + 2)};
}

}  // namespace launcher
