// What gateway, command line and launcher say to each other: JSON packets over a Unix SOCK_SEQPACKET socket.
//
// A request carries a component's name, a plan's hash and a session's id, never an argument, environment, path, pid or
// address: the members each verb takes are a closed list, each of a fixed shape. Anything else is refused whole. The
// launcher answers with any number of `progress`, then one `result` or `error`; then the next request may come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "launcher/lifecycle_request.h"
#include "protocol/json.h"

namespace launcher {

inline constexpr int launcher_wire_version = 1;
inline constexpr std::size_t max_launcher_packet = 64 * 1024;    // bytes, either way
inline constexpr std::size_t max_launcher_result = 1024 * 1024;  // bytes of JSON text, in parts

enum class launcher_verb : std::uint8_t { inspect, start, stop, restore, status, arm, disarm, dial, heartbeat, park };
std::string_view to_string(launcher_verb verb);

// {"v":1,"verb":"start","component":LABEL,"plan":"sha256:HEX64","session":HEX32,"by":TEXT,"stopOnEntry":true,
//  "force":["other-minor"]}
//  inspect    component
//  start      component [plan] [session] [by] [stopOnEntry] [force]
//  stop       component [session] [by]
//  restore    [component] [by] [decide: "keep-theirs" | "put-back-ours"]
//  status     –
//  arm        component seconds
//  disarm     component
//  dial       component session
//  heartbeat  component session [sessions: true when somebody is in one]
//  park       component session stop [seconds] [by] [note]
struct verb_members {
    launcher_verb verb;
    std::string_view name;
    std::vector<std::string_view> needs;
    std::vector<std::string_view> may;
};
const std::vector<verb_members>& launcher_verbs();  // the list above, as it is read

struct launcher_request {
    launcher_verb verb = launcher_verb::status;
    std::string component;
    std::string plan;     // 64 hex digits, without "sha256:"
    std::string session;  // 32 hex digits
    std::string by;       // who the gateway acts for: 1 to 128 printable bytes; a claim, shown and logged only
    bool stop_on_entry = false;
    bool sessions = false;
    std::vector<force> forces;  // no two alike
    decision decide = decision::none;
    std::chrono::seconds duration{0};  // of arm and park: 1 s to 366 days
    std::string note;     // of park: 1 to 512 printable bytes
    std::string stop;     // of park: "17-3f9c", a number and 4 hex digits

    bool operator==(const launcher_request&) const = default;
};

// Strict; the error is one line for the sender.
boost::system::result<launcher_request, std::string> read_launcher_request(std::string_view packet);
std::string to_text(const launcher_request& request);

enum class launcher_fault : std::uint8_t {
    malformed,  // the request could not be read; the connection ends
    refused,    // this peer may not, now or ever: the text says who may
    unknown,    // no such component
    busy,       // another verb is at it, or too many connections
    limited,    // too often
    failed,     // it was tried, or the component's state does not allow it
};
std::string_view to_string(launcher_fault fault);

// One packet back. {"v":1,"progress":{"component","state","text"}} · {"v":1,"part":TEXT} · {"v":1,"result":JSON} or
// {"v":1,"parts":N} after N parts, whose texts make the result · {"v":1,"error":{"code","text"}}.
// The result of `dial` comes with one descriptor (SCM_RIGHTS), everything else with none.
struct launcher_reply {
    enum class kind : std::uint8_t { progress, part, result, parts, error };
    kind what = kind::result;
    protocol::json body;            // of progress and result
    std::string text;               // of part and error
    std::uint64_t parts = 0;        // of parts
    launcher_fault fault = launcher_fault::failed;  // of error

    bool operator==(const launcher_reply&) const = default;
};
boost::system::result<launcher_reply, std::string> read_launcher_reply(std::string_view packet);
std::string to_text(const launcher_reply& reply);

// The packets of a result, one or several. Nothing: it is larger than max_launcher_result.
std::optional<std::vector<std::string>> result_packets(const protocol::json& result);

// Puts parts together.
class result_joiner {
public:
    // The result once it is whole; nothing yet; or what is wrong.
    boost::system::result<std::optional<protocol::json>, std::string> take(launcher_reply reply);

private:
    std::string text_;
    std::uint64_t parts_ = 0;
};

bool is_component_name(std::string_view text);  // a DNS label
bool is_session_id(std::string_view text);      // 32 lower-case hex digits
bool is_hash(std::string_view text);            // 64 lower-case hex digits
bool is_stop_name(std::string_view text);       // "17-3f9c"

}  // namespace launcher
