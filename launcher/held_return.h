// The way back, of a place that is open and locked: for put_back_manifest, and for a hold that cannot be completed.
#pragma once

#include "launcher/held_place.h"

namespace launcher {

outcome<put_back_report> bring_back(const held_place& place, const put_back_options& options);

}  // namespace launcher
