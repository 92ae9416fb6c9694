// The Kubernetes version that was stamped into a program, and whether it may take the component's
// place.
#pragma once

#include <string>
#include <vector>

#include "launcher/elf_file.h"
#include "launcher/go_buildinfo.h"
#include "launcher/plan.h"

namespace launcher {

// The value of k8s.io/component-base/version.gitVersion, as the program would answer --version:
// from its memory image, else from the -ldflags recorded in it. Empty: neither tells. Printable.
std::string kubernetes_stamp(const elf_file& file, const go_buildinfo& build);

// The same of a program that was stripped, as releases are: nothing of it is called by a name any more, but its variables
// are there. "v1.34.1" where all the variables that hold a version hold that one; empty where there is none, or two.
std::string kubernetes_release_in_data(const elf_file& file);

struct version_demand {
    std::string component;
    std::string running_version;  // empty: not known
    bool allow_other_minor = false;
};

// A component of another minor version may write what the one that comes back cannot read; one
// whose version is not known may be one. Nothing is found for programs that are not built from k8s.io/kubernetes: their stamp means something
// else. Pure.
std::vector<finding> compare_kubernetes_versions(const version_demand& demand,
                                                 const go_buildinfo& build,
                                                 const std::string& stamp);

}  // namespace launcher
