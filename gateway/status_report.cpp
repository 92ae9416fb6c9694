#include "gateway/status_report.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "gateway/confinement.h"
#include "protocol/printable.h"
#include "gateway/time_left.h"
#include "gateway/utc.h"

namespace gateway {

using protocol::json;

json status_report(const gateway_parts& parts, const tls_server& server,
                   std::chrono::system_clock::time_point since, json components) {
    const counters& counts = parts.counts;
    json out;
    out.set("version", DELVEGATE_VERSION);
    out.set("pid", std::int64_t{::getpid()});
    out.set("since", utc_time(since));
    out.set("draining", parts.draining);
    json::array listen;
    for (const auto& one : server.addresses())
        listen.emplace_back(to_string(host_port{one.address().to_string(), one.port()}));
    out.set("listen", std::move(listen));
    out.set("components", std::move(components));
    out.set("connections", json::object{{"now", std::uint64_t{server.connections()}},
                                        {"handshakes", std::uint64_t{server.handshakes()}},
                                        {"streams", std::uint64_t{server.streams()}}});
    out.set("brokenLinks", json::object{{"kept", std::uint64_t{server.kept().links()}},
                                        {"streams", std::uint64_t{server.kept().streams()}},
                                        {"bytes", std::uint64_t{server.kept().bytes()}}});
    json::array people;
    const auto now = static_cast<long long>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    for (const auto& one : server.people())
        people.push_back(json::object{{"user", one.who.user},
                                      {"address", one.address},
                                      {"serial", one.who.serial},
                                      {"notBefore", std::int64_t{one.who.not_before}},
                                      {"notAfter", std::int64_t{one.who.not_after}},
                                      {"warning", nearly_over(one.who.not_before, one.who.not_after, now)}});
    out.set("people", std::move(people));
    out.set("totals", json::object{{"accepted", counts.accepted},
                                   {"links", counts.links},
                                   {"rawStreams", counts.raw_streams},
                                   {"controlRequests", counts.control_requests},
                                   {"linkStreams", counts.streams},
                                   {"refusedStreams", counts.refused_streams},
                                   {"failedHandshakes", counts.failed_handshakes},
                                   {"enrollments", counts.enrollments},
                                   {"refusedEnrollments", counts.refused_enrollments},
                                   {"renewals", counts.renewals},
                                   {"brokenLinks", counts.broken_links},
                                   {"resumedLinks", counts.resumed_links},
                                   {"givenUpLinks", counts.given_up_links}});
    out.set("limitsHit", json::object{{"handshakes", counts.limit_handshakes},
                                      {"source", counts.limit_source},
                                      {"connections", counts.limit_connections},
                                      {"connectionsPerIdentity", counts.limit_identity},
                                      {"streamsPerLink", counts.limit_streams},
                                      {"viewerBuffer", counts.limit_viewer_buffer},
                                      {"reply", counts.limit_reply},
                                      {"idle", counts.limit_idle},
                                      {"followers", counts.limit_followers},
                                      {"resume", counts.limit_resume}});
    return out;
}

namespace {

std::string number(const json* of, std::string_view key) {
    return std::to_string(of ? of->get_int(key) : 0);
}

// "stopped since … at main.main (main.go:12), breakpoint, by alice"
std::string state_line(const json& component) {
    const auto text = [&component](std::string_view key) { return protocol::printable(component.get_string(key)); };
    std::string line = text("state");
    if (component.find("detached")) return line;  // "since" and "by" are those of its being out, not of its state
    if (!text("since").empty()) line += " since " + text("since");
    if (!text("position").empty()) line += " at " + text("position");
    if (!text("reason").empty()) line += ": " + text("reason");
    if (!text("by").empty()) line += ", by " + text("by");
    if (component.find("exitStatus")) line += " with status " + std::to_string(component.get_int("exitStatus"));
    return line;
}

// "alice at 192.0.2.7:50312: certificate for another 23 h"
std::string person_text(const json& person) {
    const auto now = static_cast<long long>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    const auto left = time_left(person.get_int("notAfter"), now);
    return protocol::printable(person.get_string("user")) + " at " + protocol::printable(person.get_string("address")) + ": certificate " +
           (left == "expired" ? left : "for another " + left) +
           (person.get_bool("warning") && left != "expired" ? " (warning: its last tenth)" : "") + "\n";
}

// What was skipped for the duty's sake; nothing where nothing was.
std::string budget_line(const json& budget) {
    if (budget.get_int("forcedResumes") == 0 && budget.get_int("haltsRefused") == 0) return {};
    const auto word = [&budget](std::string_view key) { return protocol::printable(budget.get_string(key)); };
    return "  stop budget of " + word("damage") + ": stops cut short " + number(&budget, "forcedResumes") + ", halts refused " +
           number(&budget, "haltsRefused") + ", breakpoints off for " + word("breakpointsOffFor") +
           (budget.get_bool("breakpointsOff") ? ", and now" : "") + "\n";
}

std::string component_text(const json& component) {
    const auto text = [&component](std::string_view key) { return protocol::printable(component.get_string(key)); };
    std::string out = text("name") + " (" + text("kind") + "): " + state_line(component) + "\n";
    std::string dlv;
    if (!text("dlvVersion").empty()) dlv += "dlv " + text("dlvVersion");
    if (component.find("dlvPid")) dlv += " pid " + std::to_string(component.get_int("dlvPid"));
    if (component.find("pid")) dlv += (dlv.empty() ? "" : ", ") + ("program pid " + std::to_string(component.get_int("pid")));
    if (!dlv.empty()) out += "  " + dlv + "\n";
    if (const json* people = component.find("viewers"); people && people->if_array())
        for (const json& one : *people->if_array())
            out += "  " + protocol::printable(one.get_string("user")) + " from " + protocol::printable(one.get_string("address")) + " by " +
                   protocol::printable(one.get_string("protocol")) + " since " + protocol::printable(one.get_string("since")) + "\n";
    if (const json* park = component.find("park")) {
        const auto word = [park](std::string_view key) { return protocol::printable(park->get_string(key)); };
        out += "  stop " + word("stop") + " is parked by " + word("by") + " until " + word("until") + ": " + word("note") + "\n";
    }
    if (const json* budget = component.find("stopBudget")) out += budget_line(*budget);
    if (!text("detail").empty()) out += "  " + text("detail") + "\n";
    // Within everything known of it; in the list that people get, beside its state.
    const json* life = component.find("launcher");
    if (!life && component.find("detached")) life = &component;
    if (life) {
        const auto word = [life](std::string_view key) { return protocol::printable(life->get_string(key)); };
        if (life->get_bool("detached"))
            out += "  taken out" + (word("since").empty() ? "" : " since " + word("since")) + (word("by").empty() ? "" : " by " + word("by")) +
                   (word("deadline").empty() ? "" : ", put back at " + word("deadline")) + "\n";
        if (!word("trouble").empty()) out += "  warning: " + word("trouble") + "\n";
    }
    if (!text("output").empty()) out += "  output in " + text("output") + "\n";
    if (const json* warnings = component.find("warnings"); warnings && warnings->if_array())
        for (const json& one : *warnings->if_array())
            if (const auto* warning = one.if_string()) out += "  warning: " + protocol::printable(*warning) + "\n";
    return out;
}

// What of certificates and lists is not as it should be.
std::string trust_text(const json& trust) {
    std::string out;
    if (const json* files = trust.find("files"); files && files->if_array())
        for (const json& one : *files->if_array())
            if (!one.get_string("error").empty())
                out += "warning: " + protocol::printable(one.get_string("name")) + " cannot be reloaded since " +
                       protocol::printable(one.get_string("failingSince")) + " (" + number(&one, "failures") +
                       " times), what was read at " + protocol::printable(one.get_string("since")) +
                       " is in effect: " + protocol::printable(one.get_string("error")) + "\n";
    if (const json* warnings = trust.find("warnings"); warnings && warnings->if_array())
        for (const json& one : *warnings->if_array())
            if (const auto* line = one.if_string()) out += "warning: " + protocol::printable(*line) + "\n";
    if (trust.get_int("revoked") > 0 || trust.get_int("shownOut") > 0)
        out += number(&trust, "revoked") + " entries revoked, " + number(&trust, "shownOut") + " connections shown out\n";
    return out;
}

// What of the audit is not as it should be.
std::string audit_warnings(const json& audit) {
    const auto word = [&audit](std::string_view key) { return protocol::printable(audit.get_string(key)); };
    const std::string of = "warning: the audit " + word("file");
    std::string out;
    if (!audit.get_bool("ok", true))
        out += of + " cannot be written" + (word("fullSince").empty() ? "" : " since " + word("fullSince")) + ": " + word("trouble") +
               "; what is more than reading is refused until it can\n";
    else if (!word("trouble").empty())
        out += of + ": " + word("trouble") + "\n";
    if (audit.get_int("lost") > 0 || audit.get_int("refused") > 0)
        out += of + ": " + number(&audit, "lost") + " records lost, " + number(&audit, "refused") + " operations refused for want of a record, since the gateway's start\n";
    if (!word("anchorTrouble").empty()) out += "warning: the audit's head could not be anchored: " + word("anchorTrouble") + "\n";
    return out;
}

}  // namespace

std::string status_text(const json& report) {
    std::string listen;
    if (const json* all = report.find("listen"); all && all->if_array())
        for (const json& one : *all->if_array())
            if (const auto* address = one.if_string()) listen += (listen.empty() ? "" : ", ") + protocol::printable(*address);
    std::string out = "delvegate " + protocol::printable(report.get_string("version")) + " (pid " + number(&report, "pid") + ") " +
                      (report.get_bool("draining") ? "draining" : "listening on " + listen) + " since " +
                      protocol::printable(report.get_string("since")) + "\n";
    const json* now = report.find("connections");
    const json* totals = report.find("totals");
    out += number(now, "now") + " connections, " + number(now, "streams") + " debug streams, " +
           number(now, "handshakes") + " handshakes; in all " + number(totals, "accepted") + " accepted, " +
           number(totals, "failedHandshakes") + " failed handshakes\n";
    std::string hit;
    if (const json* limits_hit = report.find("limitsHit"); limits_hit && limits_hit->if_object())
        for (const auto& [key, value] : *limits_hit->if_object())
            if (value.as_int().value_or(0) > 0)
                hit += (hit.empty() ? "limits hit: " : ", ") + protocol::printable(key) + " " + std::to_string(*value.as_int());
    if (!hit.empty()) out += hit + "\n";
    if (const json* confinement = report.find("confinement")) out += confinement_text(*confinement);
    if (const json* trust = report.find("trust")) out += trust_text(*trust);
    if (const json* audit = report.find("audit")) out += audit_warnings(*audit);
    if (const json* enrolling = report.find("enrollment"); enrolling && enrolling->get_int("liveTokens") > 0) {
        std::string where;
        if (const json* all = enrolling->find("listen"); all && all->if_array())
            for (const json& one : *all->if_array())
                if (const auto* address = one.if_string()) where += (where.empty() ? "" : ", ") + protocol::printable(*address);
        out += "enrolment: " + number(enrolling, "liveTokens") + " live tokens, " +
               (where.empty() ? "warning: the port cannot be opened, see the log" : "open on " + where) + "\n";
    }
    if (const json* people = report.find("people"); people && people->if_array())
        for (const json& one : *people->if_array()) out += person_text(one);
    return out + components_text(report);
}

std::string components_text(const json& report) {
    const json* components = report.find("components");
    if (!components || !components->if_array() || components->if_array()->empty()) return "no components are configured\n";
    std::string out;
    for (const json& one : *components->if_array()) out += component_text(one);
    return out;
}

}  // namespace gateway
