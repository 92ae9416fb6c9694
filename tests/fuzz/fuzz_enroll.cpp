// What a stranger sends to the enrolment port: the HTTP reader makes the same of it however it is cut and
// stays within its bounds; the reader of the body accepts only what it would accept again, and tells no
// token.
#include "auth/armor.h"
#include "auth/enrollment_request.h"
#include "auth/signing_request.h"
#include "gateway/http_api.h"
#include "protocol/json.h"
#include "tests/fuzz/fuzz.h"

namespace {

// Empty while it asks for more.
std::string heard(std::string_view wire, std::size_t step) {
    gateway::http_reader reader(auth::max_enrollment_request);
    for (std::size_t at = 0; at < wire.size(); at += step) {
        const auto got = reader.feed(wire.substr(at, step));
        if (!got) continue;
        if (const auto* refused = std::get_if<gateway::http_answer>(&*got)) return "refused " + std::to_string(refused->status);
        const auto& request = std::get<gateway::http_request>(*got);
        must(request.body.size() <= auth::max_enrollment_request);
        return request.method + " " + request.path + " " + request.body;
    }
    return {};
}

void check_body(std::string_view body) {
    if (const auto renewal = auth::read_renewal_request(body)) must(!renewal->spki.empty() && !renewal->proof.empty());
    const auto request = auth::read_enrollment_request(body);
    const auto parsed = protocol::parse_json(body);
    if (!request) {
        const auto token = parsed ? parsed->get_string("token") : std::string_view();
        must(token.size() < 12 || request.error().find(token) == std::string::npos);
        must(request.error().find('\n') == std::string::npos);
        return;
    }
    must(parsed && parsed->if_object() && parsed->if_object()->size() == 2);
    must(auth::sha256_hex(parsed->get_string("token")) == request->token_hash);
    const auto again = auth::read_signing_request(parsed->get_string("csr"));
    must(again && again->spki == request->spki);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text(data, size);
    const auto all = heard(text, size ? size : 1);
    // What is no request may be seen to be none sooner or later; a request is the same however it comes.
    const auto slowly = heard(text, 1);
    const auto is_request = [](const std::string& what) { return !what.empty() && !what.starts_with("refused "); };
    must(all == slowly || (!is_request(all) && !is_request(slowly)));
    check_body(text);
    if (const auto at = text.find("\r\n\r\n"); at != text.npos) check_body(text.substr(at + 4));
    return 0;
}
