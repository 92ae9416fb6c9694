#include "launcher/verb_rights.h"

namespace launcher {

std::optional<std::string> refusal_of(const verb_question& question, const std::string& component) {
    const std::string verb(to_string(question.verb));
    if (question.who == peer_kind::root) {
        // Root acts for itself: whose name is shown is the kernel's word, not the command line's.
        if (question.acts_for) return verb + " by root acts for nobody else; leave out whom it is for";
        return std::nullopt;
    }
    if (question.who == peer_kind::stranger)
        return "the launcher answers root and the gateway's user only; use sudo, or go through the gateway";
    if (question.forced) return "force flags are taken from root on the node only; run the command there with sudo";
    if (question.decides)
        return "which of two versions stays is for root on the node to say: `delvegate restore` there lists the commands";
    switch (question.verb) {
        case launcher_verb::arm:
        case launcher_verb::disarm:
            return verb + " is for root on the node: sudo delvegate " + verb + " " + component;
        case launcher_verb::start:
            if (question.remote == remote_start::never)
                return component + " is never started from elsewhere (launcher.yaml: remoteStart: never); root on the node may: "
                                   "sudo delvegate start " + component;
            if (question.remote == remote_start::armed && !question.armed)
                return component + " is not armed; root on the node can arm it: sudo delvegate arm " + component + " --for 2h";
            return std::nullopt;
        case launcher_verb::inspect:
        case launcher_verb::stop:
        case launcher_verb::restore:
        case launcher_verb::status:
        case launcher_verb::dial:
        case launcher_verb::heartbeat:
        case launcher_verb::park:
            return std::nullopt;
    }
    return verb + " is not a verb for this user";  // a verb that this table does not know
}

bool lets_gateway_in(remote_start remote, const std::optional<arming>& latest, std::chrono::milliseconds begun,
                     std::chrono::milliseconds now) {
    if (!latest || latest->until < begun) return true;  // root has started it since, or nobody else could have
    if (latest->disarmed) return false;
    return latest->until > now || remote == remote_start::always;
}

}  // namespace launcher
