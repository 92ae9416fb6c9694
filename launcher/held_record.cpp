#include "launcher/held_record.h"

#include <utility>

#include "protocol/json.h"

namespace launcher {

namespace {

using protocol::json;

constexpr std::int64_t format = 1;

// Attributes are bytes, JSON is text.
std::string to_hex(const std::string& bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

bool from_hex(std::string_view text, std::string& out) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    if (text.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) return false;
        out += static_cast<char>(16 * high + low);
    }
    return true;
}

json to_json(const file_stamp& stamp) {
    json::array xattrs;
    for (const auto& [name, value] : stamp.xattrs)
        xattrs.push_back(json::object{{"name", name}, {"hex", to_hex(value)}});
    return json::object{{"sha256", stamp.hash},
                        {"link", stamp.link},
                        {"mode", std::int64_t{stamp.mode}},
                        {"uid", std::int64_t{stamp.uid}},
                        {"gid", std::int64_t{stamp.gid}},
                        {"mtime", stamp.mtime_s},
                        {"mtimeNs", stamp.mtime_ns},
                        {"device", stamp.device},
                        {"inode", stamp.inode},
                        {"xattrs", std::move(xattrs)}};
}

// Reads members, and remembers the first that is not as it should be.
class reader {
public:
    explicit reader(const json& from) : from_(from) {}

    void text(const char* key, std::string& out) {
        const auto* value = from_.find(key);
        if (value && value->if_string()) out = *value->if_string();
        else wrong(key);
    }
    void texts(const char* key, std::vector<std::string>& out) {
        const auto* value = from_.find(key);
        if (!value || !value->if_array()) return wrong(key);
        for (const auto& one : *value->if_array()) {
            if (!one.if_string()) return wrong(key);
            out.push_back(*one.if_string());
        }
    }
    template <class Integer>
    void number(const char* key, Integer& out) {
        const auto* value = from_.find(key);
        const auto read = value && value->is_number() ? value->as_int() : std::nullopt;
        const auto large = value && value->is_number() ? value->as_uint() : std::nullopt;
        if (read && std::in_range<Integer>(*read)) out = static_cast<Integer>(*read);
        else if (large && std::in_range<Integer>(*large)) out = static_cast<Integer>(*large);
        else wrong(key);
    }
    void flag(const char* key, bool& out) {
        const auto* value = from_.find(key);
        if (value && value->if_bool()) out = *value->if_bool();
        else wrong(key);
    }
    const json& object(const char* key) {
        static const json none = json::object{};
        const auto* value = from_.find(key);
        if (value && value->is_object()) return *value;
        wrong(key);
        return none;
    }
    const json::array& array(const char* key) {
        static const json::array none;
        const auto* value = from_.find(key);
        if (value && value->if_array()) return *value->if_array();
        wrong(key);
        return none;
    }
    void wrong(const char* key) {
        if (wrong_.empty()) wrong_ = key;
    }
    const std::string& first_wrong() const { return wrong_; }

private:
    const json& from_;
    std::string wrong_;
};

std::string read_stamp(const json& from, file_stamp& out) {
    reader in(from);
    in.text("sha256", out.hash);
    in.text("link", out.link);
    in.number("mode", out.mode);
    in.number("uid", out.uid);
    in.number("gid", out.gid);
    in.number("mtime", out.mtime_s);
    in.number("mtimeNs", out.mtime_ns);
    in.number("device", out.device);
    in.number("inode", out.inode);
    for (const auto& one : in.array("xattrs")) {
        std::string value;
        if (!one.is_object() || !from_hex(one.get_string("hex"), value)) in.wrong("xattrs");
        out.xattrs.emplace_back(one.get_string("name"), std::move(value));
    }
    if (out.mode > 07777) in.wrong("mode");
    if (out.mtime_ns < 0 || out.mtime_ns > 999'999'999) in.wrong("mtimeNs");
    if (out.hash.size() != 64) in.wrong("sha256");
    return in.first_wrong();
}

}  // namespace

std::string held_record_text(const held_record& record) {
    const json::object members{
        {"format", format},
        {"session", record.session},
        {"component", record.component},
        {"target", record.target},
        {"held", record.held},
        {"taking", record.taking},
        {"since", utc_text(record.since.wall)},
        {"sinceWall", record.since.wall},
        {"sinceBoot", record.since.boot},
        {"bootId", record.since.boot_id},
        {"by", record.by},
        {"unit", record.unit},
        {"dlvPid", std::int64_t{record.dlv.pid}},
        {"dlvStarted", record.dlv.started},
        {"undo", json::array(record.undo.begin(), record.undo.end())},
        {"stamp", to_json(record.stamp)},
        {"node", to_json(record.node)},
    };
    std::string out = "{\n";
    for (std::size_t i = 0; i < members.size(); ++i) {
        out += "  ";
        protocol::append_string(out, members[i].first);
        out += ": ";
        protocol::append_text(out, members[i].second);
        out += i + 1 < members.size() ? ",\n" : "\n";
    }
    return out + "}\n";
}

outcome<held_record> parse_held_record(std::string_view text) {
    using result = outcome<held_record>;
    const auto wrong = [](std::string why) { return result(boost::system::in_place_error, std::move(why)); };
    const auto value = protocol::parse_json(text, {16, false});
    if (!value || !value->is_object()) return wrong("it is not a JSON object");
    if (value->get_int("format") != format) return wrong("it is of another version of delvegate");
    held_record out;
    reader in(*value);
    in.text("session", out.session);
    in.text("component", out.component);
    in.text("target", out.target);
    in.text("held", out.held);
    in.flag("taking", out.taking);
    in.number("sinceWall", out.since.wall);
    in.number("sinceBoot", out.since.boot);
    in.text("bootId", out.since.boot_id);
    in.text("by", out.by);
    in.text("unit", out.unit);
    in.number("dlvPid", out.dlv.pid);
    in.number("dlvStarted", out.dlv.started);
    in.texts("undo", out.undo);
    const auto stamp = read_stamp(in.object("stamp"), out.stamp);
    out.node = node_identity_from(in.object("node"));
    if (!in.first_wrong().empty()) return wrong("\"" + in.first_wrong() + "\" is missing or of the wrong kind");
    if (!stamp.empty()) return wrong("\"stamp\" has a wrong \"" + stamp + "\"");
    return result(boost::system::in_place_value, std::move(out));
}

}  // namespace launcher
