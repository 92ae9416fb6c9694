#include "auth/glob.h"

namespace auth {

bool glob_match(std::string_view glob, std::string_view text) {
    std::size_t g = 0, t = 0;
    // Where the last star stands, and how much of the text it has taken: only the last one is ever
    // asked to take more, for the earlier ones have done their part.
    std::size_t star = glob.npos, taken = 0;
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            star = g++;
            taken = t;
        } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
            ++g;
            ++t;
        } else if (star != glob.npos) {
            g = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (g < glob.size() && glob[g] == '*') ++g;
    return g == glob.size();
}

}  // namespace auth
