// A process that becomes what a transient_service describes, by itself: without systemd. It is in a session of its own, in
// its cgroups before anything else, and lives on when its parent ends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launcher/fd.h"
#include "launcher/outcome.h"
#include "launcher/process_mark.h"
#include "launcher/transient_service.h"

namespace launcher {

// What cannot be had without systemd, or is not what it must be; fine when all can be done. Where CAP_SYS_RESOURCE
// is missing, in a container, the OOM score is not lowered and the number of open files raised as far as can be, as by systemd.
outcome<void> check_service(const transient_service& service);

// Returns when argv[0] has been executed; else nothing is left of it, and the error says what could not be done.
// `doors`: the cgroup.procs to join. `output`: for standard output and error. `known` is called before anything of the
// service happens; on its error nothing does. The process is a child of this one: it has to be waited for.
outcome<process_mark> spawn_service(const transient_service& service, const std::vector<unique_fd>& doors, int output,
                                    const std::function<outcome<void>(const process_mark&)>& known);

}  // namespace launcher
