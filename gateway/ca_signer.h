// The signer of this gateway, as enrolment and renewal ask it.
#pragma once

#include "gateway/signer.h"
#include "gateway/signer_client.h"

namespace gateway {

class ca_signer final : public signer {
public:
    // `client` outlives it. Whoever else hears of its changes is still told.
    explicit ca_signer(signer_client& client) : client_(client) {}

    void enroll(enroll_question question, std::function<void(signer_answer)> done) override;
    void renew(renew_question question, std::function<void(signer_answer)> done) override;
    void tokens(std::function<void(live_tokens)> done) override;
    void on_changed(std::function<void()> changed) override;

private:
    signer_client& client_;
};

}  // namespace gateway
