// What the commands of the node's admin share: the state directory as its owner sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "auth/authority.h"
#include "auth/ca_store.h"
#include "gateway/usual_state.h"
#include "launcher/outcome.h"

namespace gateway {

// The directory that was given, or where the state is by itself.
launcher::outcome<usual_state> state_by(const std::string& given);
inline constexpr const char* state_option = "The gateway's state directory [that of gateway.yaml; without one, that of `serve --exec`]";

// The CA's directory below the state directory. Refused when the state directory is another user's: what
// we would write there its gateway could not read.
launcher::outcome<std::string> ca_directory_of(const usual_state& state);

struct open_ca {
    auth::ca_store store;
    auth::authority authority;
};
// An error names the file that says that it is there. It says how to make a CA only where there surely is none: a second one is good for
// nothing; and where it is closed to this user, as whom to try again.
launcher::outcome<open_ca> open_ca_of(const usual_state& state);
// The store alone: what needs no key does not read it.
launcher::outcome<auth::ca_store> open_store_of(const usual_state& state);

// "delvegate: TEXT" on standard error; returns `code`.
int complain_as(const std::string& text, int code);

std::string utc_of(std::int64_t seconds);  // "2026-11-23 14:03:11 UTC"
std::string join(const std::vector<std::string>& texts, const char* between = ",");

// "24h" within the bounds, or why not.
launcher::outcome<std::chrono::seconds> parse_life(const std::string& text, std::chrono::seconds least,
                                                   std::chrono::seconds most);

// The user and the groups as a certificate can have them, or a line about the first that cannot; groups
// given twice are left once.
launcher::outcome<void> check_names(const std::string& user, std::vector<std::string>& groups);

// Rows under a head, each column as wide as its widest text.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace gateway
