// Globs of a policy: `*` is any text, `?` one byte, everything else itself, case and all.
#pragma once

#include <string_view>

namespace auth {

// Whether the whole of `text` matches. Time is at most the product of both lengths, whatever they are.
bool glob_match(std::string_view glob, std::string_view text);

}  // namespace auth
