// Until the engine is part of this build: an honest answer in its place.
#include "launcher/component_manager.h"

namespace launcher {

outcome<std::unique_ptr<component_manager>> make_component_manager(const launcher_config&) {
    return outcome<std::unique_ptr<component_manager>>(boost::system::in_place_error,
                                                       "this build has no engine: it can take nothing out and put nothing back");
}

}  // namespace launcher
