// What a gateway that answers tells of itself.
#include <string>
#include <string_view>

#include "gateway/doctor.h"

namespace gateway {

using protocol::json;

namespace {

const json::array* list_of(const json& in, std::string_view key) {
    const auto* found = in.find(key);
    return found ? found->if_array() : nullptr;
}

diagnosis judge_component(const json& one) {
    const std::string state(one.get_string("state")), reason(one.get_string("reason"));
    const auto* life = one.find("launcher");
    const std::string trouble(life ? life->get_string("trouble") : "");
    diagnosis out{"component " + std::string(one.get_string("name")), verdict::ok, "the gateway says: " + state + (reason.empty() ? "" : ": " + reason), {}};
    if (state == "unknown" || !trouble.empty()) {
        out.how = verdict::fail;
        out.text = "the gateway says: " + state + "; it does not hear the launcher" + (trouble.empty() ? "" : ": " + trouble);
        out.mend = "systemctl start delvegate-launcher; journalctl -u delvegate-launcher; `launcherSocket` in gateway.yaml is `socket` of launcher.yaml";
    } else if (state == "not_put_back") {
        out.how = verdict::fail;
        out.mend = "delvegate restore " + std::string(one.get_string("name"));
    } else if (state == "unavailable") {
        out.how = verdict::fail;
        out.mend = "mend what it says (more is in the log: journalctl -u delvegate); SIGHUP to the gateway (systemctl reload delvegate) starts it again";
    }
    return out;
}

diagnosis judge_audit(const json& audit) {
    diagnosis out{"audit", verdict::ok, {}, {}};
    const std::string file(audit.get_string("file")), trouble(audit.get_string("trouble"));
    const auto lost = audit.get_int("lost"), refused = audit.get_int("refused");
    if (file == "off") return {"audit", verdict::skipped, "auditFile is off: what people do is not recorded", {}};
    if (!audit.get_bool("ok", true))
        return {"audit", verdict::fail, file + " cannot be written: " + trouble + "; what is more than reading is refused until it can",
                "make room on its disk, or mend that; the gateway goes on by itself (docs/audit.md)"};
    if (!trouble.empty()) return {"audit", verdict::warn, file + ": " + trouble, "look at its directory: it must be the gateway's to write"};
    if (lost > 0 || refused > 0)
        return {"audit", verdict::warn, file + ": " + std::to_string(lost) + " records lost, " + std::to_string(refused) +
                                            " operations refused for want of a record, since the gateway's start",
                "its disk was full, or too slow; `delvegate audit show --kind gap` says when"};
    out.text = file + " is written, " + std::to_string(audit.get_int("records")) + " records";
    return out;
}

diagnosis judge_anchors(const json& audit) {
    const std::string trouble(audit.get_string("anchorTrouble"));
    if (!trouble.empty())
        return {"anchors", verdict::warn, "the audit's last head could not be signed or sent away: " + trouble,
                "`auditAnchors` in gateway.yaml says where to; journalctl -u delvegate"};
    if (audit.get_int("anchored") == 0) return {"anchors", verdict::skipped, "no head of the audit was sent away yet (`auditAnchors`)", {}};
    return {"anchors", verdict::ok, "the audit's last head sent away is that of record " + std::to_string(audit.get_int("anchored")), {}};
}

}  // namespace

diagnoses judge_status(const json& status) {
    diagnoses out;
    if (const auto* components = list_of(status, "components"))
        for (const auto& one : *components) out.push_back(judge_component(one));
    if (const auto* audit = status.find("audit"); audit && audit->if_object()) {
        out.push_back(judge_audit(*audit));
        if (out.back().how != verdict::skipped) out.push_back(judge_anchors(*audit));
    }
    const auto* trust = status.find("trust");
    if (!trust) return out;
    if (const auto* files = list_of(*trust, "files"))
        for (const auto& one : *files)
            if (const std::string why(one.get_string("error")); !why.empty())
                out.push_back({"in effect", verdict::fail, std::string(one.get_string("name")) + " cannot be read again, what was read before is in effect: " + why,
                               "correct that; the gateway reads it again by itself"});
    if (const auto* warnings = list_of(*trust, "warnings"))
        for (const auto& one : *warnings)
            if (const auto* line = one.if_string()) out.push_back({"in effect", verdict::warn, *line, {}});
    return out;
}

}  // namespace gateway
