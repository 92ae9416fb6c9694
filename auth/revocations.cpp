#include "auth/revocations.h"

#include <yaml-cpp/yaml.h>

#include "auth/pem.h"

namespace auth {

namespace {

using result = outcome<revocations>;

std::string place(const std::string& file, const YAML::Mark& mark) {
    if (mark.is_null()) return file + ": ";
    return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": ";
}

result failed(const std::string& file, const YAML::Node& at, const std::string& what) {
    return {boost::system::in_place_error, place(file, at.Mark()) + what};
}

bool is_text(const YAML::Node& node) {
    return node && node.IsScalar() && !node.Scalar().empty() && node.Scalar().find('\0') == std::string::npos;
}

}  // namespace

bool revocations::add_serial(std::string_view issuer, std::string_view serial) {
    const auto canonical = canonical_serial(serial);
    if (canonical.empty() || issuer.empty()) return false;
    serials_.insert(canonical + " " + std::string(issuer));
    return true;
}

std::string revocations::fault(const identity& who) const {
    if (users_.contains(who.user)) return "access of " + who.user + " has been revoked";
    for (const auto* issuer : {&who.issuer, &who.authority, &who.anchor})
        if (!issuer->empty() && serials_.contains(who.serial + " " + *issuer))
            return "your certificate (serial " + who.serial + ") has been revoked";
    return {};
}

outcome<revocations> parse_revocations(std::string_view text, const std::string& file) {
    revocations all;
    try {
        const YAML::Node root = YAML::Load(std::string(text));
        if (root.IsNull()) return all;
        if (!root.IsMap()) return failed(file, root, "must be a map with `users` and `serials`");
        std::unordered_set<std::string> seen;
        for (const auto& entry : root) {
            const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
            if (key != "users" && key != "serials")
                return failed(file, entry.first, "unknown key `" + key + "`; there are `users` and `serials`");
            if (!seen.insert(key).second) return failed(file, entry.first, "`" + key + "` is given twice");
            if (entry.second.IsNull()) continue;
            if (!entry.second.IsSequence()) return failed(file, entry.second, "`" + key + "` must be a list");
            for (const auto& item : entry.second) {
                if (key == "users") {
                    if (!is_text(item)) return failed(file, item, "a user must be a name");
                    all.add_user(item.Scalar());
                    continue;
                }
                if (!item.IsMap() || item.size() != 2 || !is_text(item["issuer"]) || !is_text(item["serial"]))
                    return failed(file, item, "a serial is written {issuer: CA, serial: HEX}");
                if (!all.add_serial(item["issuer"].Scalar(), item["serial"].Scalar()))
                    return failed(file, item, "\"" + item["serial"].Scalar() + "\" is no serial number in hex");
            }
        }
        return all;
    } catch (const YAML::Exception& error) {
        return {boost::system::in_place_error, place(file, error.mark) + "not valid YAML: " + error.msg};
    }
}

outcome<revocations> load_revocations(const std::string& file) {
    const auto text = load_text(file);
    if (!text) return {boost::system::in_place_error, text.error()};
    return parse_revocations(*text, file);
}

}  // namespace auth
