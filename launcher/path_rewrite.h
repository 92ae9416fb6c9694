// Paths that a container sees, made those of the host: in arguments, in variables, and in the files that they lead to. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace launcher {

struct path_mapping {
    std::string from;  // absolute, as the container sees it
    std::string to;    // absolute, on the host
};

// The mapping, and for a path below /var/run the one below /run as well: in an image the one is a link to the other.
void add_mapping(std::vector<path_mapping>& mappings, const std::string& from, const std::string& to);

struct rewritten_text {
    std::string text;
    std::set<std::string> used;  // every `from` that was met
    std::size_t places = 0;
};

// Wherever a mapping's path stands as a path of its own or as the beginning of one ("--config=/a/b", "/a,/b:x",
// "unix:///a"), the longest one first; never within a longer name ("/a" in "/ab" or "/x/a") or a URL's path.
rewritten_text rewrite_paths(std::string_view text, const std::vector<path_mapping>& mappings);

// The same for a YAML or JSON file: its comment lines stay, and so does what is none of these.
rewritten_text rewrite_file(const std::string& bytes, const std::vector<path_mapping>& mappings);

}  // namespace launcher
