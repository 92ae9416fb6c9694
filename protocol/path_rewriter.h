// The paths in dlv's replies as a viewer knows them, while the replies pass through.
//
// A reply may be of any size: what is held is one string at a time, and only where the key says that it is a path
// or a text with paths in it. Everything else comes out byte for byte; so does all of a reply in which no rule fits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/path_map.h"

namespace protocol {

enum class path_field : unsigned char {
    none,
    path,     // the string, or each string of the array, is a path
    text,     // … may have paths in it
    foreign,  // nothing below is Delve's own: the keys are the program's
};

// What the strings under a key are. `depth`: how many objects and arrays are open around it.
using path_fields = path_field (*)(std::string_view key, std::size_t depth);

// Of JSON-RPC, every reply's (Delve service/api/types.go, service/rpc2/server.go).
path_field rpc_reply_field(std::string_view key, std::size_t depth);
// Of DAP, those of a response that shows source files (stackTrace, disassemble, exceptionInfo), and of a failure.
path_field dap_reply_field(std::string_view key, std::size_t depth);
path_field dap_failure_field(std::string_view key, std::size_t depth);
// `dlv sources`: the result is a list of files, one a line.
path_field dap_sources_field(std::string_view key, std::size_t depth);

// Whether a reply to this method (`ListSources`) can have paths in it, other than one that says why not.
bool rpc_shows_paths(std::string_view method);

class path_rewriter {
public:
    // A string longer than this passes as it is.
    static constexpr std::size_t longest = path_map::longest_text;
    // … and so does everything from where more objects and arrays than these are open.
    static constexpr std::size_t deepest = 512;

    // `map` must outlive it. What is fed begins inside an object, behind a value: dlv's line after `{"id":N`.
    path_rewriter(const path_map& map, path_fields fields) : map_(&map), fields_(fields), open_{{}} {}
    // Appends to `out` what becomes of `bytes`. What is not JSON comes out in some form, and harms nobody.
    void feed(std::string_view bytes, std::string& out);
    // The input ends here, maybe in the middle: what is held comes out as it came.
    void finish(std::string& out);

private:
    struct level {
        bool object = true;
        bool foreign = false;
        path_field items = path_field::none;  // of an array
    };
    enum class inside { structure, key, passing, held };

    void structural(char c);
    void begin_string();
    bool skip_string(std::string_view bytes, std::size_t& at);
    void end_key();
    void end_held(std::string& out);

    const path_map* map_;
    path_fields fields_;
    std::vector<level> open_;
    inside where_ = inside::structure;
    bool as_it_is_ = false;
    bool key_next_ = false;
    bool escaped_ = false;
    path_field field_ = path_field::none;  // of the value that comes
    std::string key_;
    std::string held_;  // between the quotes, as it came
};

// A whole text, from behind a value of its outermost object on, or one value in it. What becomes longer than `most` is
// of no use to the caller, and is not completed: it is longer all the same.
std::string rewrite_paths(const path_map& map, path_fields fields, std::string_view text, std::size_t most = std::string::npos);

}  // namespace protocol
