// Words for commands that a person copies from a message into a shell.
#pragma once

#include <string>

namespace storage {

// `text`, whatever bytes it has, as one word of sh's: as it is when it needs no quotes, else in single quotes.
std::string shell_word(const std::string& text);

}  // namespace storage
