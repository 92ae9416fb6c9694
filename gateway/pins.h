// Breakpoints that stay when whoever set them leaves: `delvegate pin`. One that stops, stops for whoever is here, within the
// stop budget; what a pinned logpoint writes goes to those who follow its owner, and it stops nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/baton.h"
#include "protocol/json.h"

namespace gateway {

class hub;

struct pin_order {
    person by;
    bool rules = false;  // has lifecycle: may unpin what is others'
    bool stays = true;   // else it is unpinned
    std::vector<std::string> places;  // "main.go:42", "pkg/main.go:42", "/src/pkg/main.go:42"
    std::vector<std::int64_t> ids;    // as a JSON-RPC client lists them
};

// Whoever gives the order may (class breakpoint and control). All of it is done, or nothing: then it says why.
baton::told pin(hub& of, const pin_order& order);

// What is pinned, for people: one line; and for scripts: [{"id","user","at","here"}].
std::string pinned_words(const hub& of);
protocol::json describe_pins(const hub& of);

// "12"; nothing: it is no id.
std::optional<std::int64_t> breakpoint_id(std::string_view text);
// Whether the words of a person, FILE:LINE with as much of the path as they like, mean that place.
bool means_place(std::string_view words, std::string_view file, std::int64_t line);

// Of one person at one component.
inline constexpr std::size_t most_pins = 32;

}  // namespace gateway
