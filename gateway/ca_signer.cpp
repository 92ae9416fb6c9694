#include "gateway/ca_signer.h"

#include <utility>

namespace gateway {
namespace {

signer_answer answer_of(const auth::issue_result<auth::issued_certificate>& said) {
    signer_answer out;
    if (!said) {
        out.code = said.error().code;
        out.reason = said.error().reason;
        out.log = said.error().log;
        return out;
    }
    out.ok = true;
    out.certificate = said->certificate;
    out.ca = said->ca;
    out.user = said->user;
    out.groups = said->groups;
    out.not_after = said->not_after;
    out.renew_until = said->renew_until;
    return out;
}

}  // namespace

void ca_signer::enroll(enroll_question question, std::function<void(signer_answer)> done) {
    client_.enroll(std::move(question.token_hash), std::move(question.public_key), std::move(question.source),
                   [done = std::move(done)](const auto& said) { done(answer_of(said)); });
}

void ca_signer::renew(renew_question question, std::function<void(signer_answer)> done) {
    client_.renew(std::move(question.fingerprint), std::move(question.public_key), std::move(question.proof),
                  [done = std::move(done)](const auto& said) { done(answer_of(said)); });
}

void ca_signer::tokens(std::function<void(live_tokens)> done) {
    client_.tokens([done = std::move(done)](const auth::issue_result<signer_client::token_state>& said) {
        live_tokens out;
        out.known = said.has_value();
        if (said) {
            out.count = said->live > 0 ? static_cast<std::size_t>(said->live) : 0;
            out.next_expiry = said->next_expiry;
        }
        done(out);
    });
}

void ca_signer::on_changed(std::function<void()> changed) {
    client_.on_changed = [before = client_.on_changed, changed = std::move(changed)] {
        if (before) before();
        changed();
    };
}

}  // namespace gateway
