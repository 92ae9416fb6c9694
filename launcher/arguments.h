// A component's command line as pflag reads it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace launcher {

// The base name of a path: "kube-scheduler" of "/usr/local/bin/kube-scheduler".
std::string base_name(std::string_view path);

// `--name=VALUE` or `--name VALUE`, the last one of several; '_' is as good as '-'. argv[0] is the program, and
// nothing counts after `--`. The name is given without dashes.
std::optional<std::string> flag_value(const std::vector<std::string>& argv, std::string_view name);

// A boolean flag never takes the next word. A value that is no boolean is none.
std::optional<bool> flag_bool(const std::vector<std::string>& argv, std::string_view name);

// Go's durations: "1h15m", "2.5s", "0"; none where it is not one.
std::optional<std::chrono::milliseconds> parse_go_duration(std::string_view text);
std::optional<std::chrono::milliseconds> flag_duration(const std::vector<std::string>& argv, std::string_view name);

// Absolute paths among the values: comma lists, CERT,KEY:HOST and unix://PATH taken apart. Values that only look like
// paths (URL prefixes, keys in etcd) are left out; of files that the component writes, the directory. In order, no
// path twice.
std::vector<std::string> files_of_arguments(const std::vector<std::string>& argv);

}  // namespace launcher
