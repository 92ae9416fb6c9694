// Tokens of a ServiceAccount in files: asked for by TokenRequest, and again before they expire.
//
// A pod's own token dies with its pod, so the process that takes its place has its own. What there is to keep fresh is
// written down beside the files (no token is in it), so that a launcher that was started anew goes on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "launcher/daemon_set_files.h"
#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

struct kept_token {
    std::string file;  // absolute
    token_wish wish;
    std::int64_t refresh_at = 0;  // seconds of the wall clock
};

struct token_book {
    std::string name_space;
    std::string account;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<kept_token> tokens;
    std::int64_t look_at = 0;  // when the DaemonSet is looked at again; wall clock
};

// kubectl_client::create.
using api_maker = std::function<outcome<protocol::json>(const std::string& path, const protocol::json& body)>;

// Every token of the volumes, none of them asked for yet.
token_book book_of(const std::vector<made_volume>& volumes, const std::string& directory, const std::string& name_space,
                   const std::string& account, uid_t uid, gid_t gid);

// Asks for those that are due at `now` and puts each in its place by rename. Each that is there is asked for again at 80 % of
// its life; each that could not be had, in 15 s. The error is the last one; the book is to be stored all the same.
outcome<void> refresh_tokens(token_book& book, std::int64_t now, const api_maker& api);
bool any_due(const token_book& book, std::int64_t now);

protocol::json to_json(const token_book& book);
std::optional<token_book> token_book_from(const protocol::json& value);

// "2026-11-26T05:49:08Z", in seconds since 1970. Pure.
std::optional<std::int64_t> parse_utc(const std::string& text);

}  // namespace launcher
