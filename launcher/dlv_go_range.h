// Which Go versions a dlv debugs: it refuses others itself, but only when it has been started.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "launcher/dlv_version.h"
#include "launcher/plan.h"

namespace launcher {

struct go_number {
    int major = 1, minor = 0;
    auto operator<=>(const go_number&) const = default;
};

// "go1.24.3", "go1.25rc1", "go1.25-devel_abc", "devel go1.26-abc", also with more behind a blank.
// None for a development build that does not say which: dlv debugs those without a check.
std::optional<go_number> parse_go_version(std::string_view text);

struct go_range {
    go_number oldest, newest;
    bool known = true;  // from dlv's own table; false: by the rule that its releases follow
};
go_range go_range_of(const dlv_version& dlv);

// None, or that this dlv does not debug a program made by `go_version` with DWARF of
// `dwarf_version`, and what to install or build: a refusal where dlv is known to refuse, else a
// warning. `dlv_go` is the Go that built dlv; empty: not known.
std::optional<finding> check_dlv_fits(const dlv_version& dlv, const std::string& dlv_go,
                                      const std::string& go_version, int dwarf_version);

}  // namespace launcher
