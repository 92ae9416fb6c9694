// The stand-in of a Kubernetes component (tests/support/debuggees/component), built by a real Go in
// the ways that people build theirs.
#pragma once

#include <string>
#include <vector>

#include "fixture.h"

namespace launcher_test {

struct build_how {
    std::vector<std::string> flags{};  // of `go build`
    bool gopath =
        false;  // below a GOPATH with the staging modules in vendor, as Kubernetes <= 1.24
};

const std::string stamp_of_1_34_1 = "-X k8s.io/component-base/version.gitVersion=v1.34.1";
const build_how debug_build{{"-gcflags", "all=-N -l", "-ldflags", stamp_of_1_34_1}};

// The program's path; built once per tree and machine.
std::string component(const toolchain& tools, const build_how& how);
// The root that its sources are recorded below.
std::string component_sources(const build_how& how);

}  // namespace launcher_test
