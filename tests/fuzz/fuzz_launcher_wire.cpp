// The launcher's packets, both ways: what is read is written back and read as the same; and a request holds nothing but names,
// hashes and ids of their shapes.
#include "launcher/launcher_wire.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto packet = fuzz::text(data, size);
    if (const auto request = launcher::read_launcher_request(packet)) {
        must(request->component.empty() || launcher::is_component_name(request->component));
        must(request->plan.empty() || launcher::is_hash(request->plan));
        must(request->session.empty() || launcher::is_session_id(request->session));
        must(request->by.size() <= 128 && request->by.find_first_of(std::string_view("\0\n\r\x1b", 4)) == std::string::npos);
        must(request->forces.size() <= launcher::all_forces().size());
        const auto text = launcher::to_text(*request);
        must(text.size() <= launcher::max_launcher_packet);
        const auto again = launcher::read_launcher_request(text);
        must(again && *again == *request);
    } else {
        must(!request.error().empty() && request.error().find('\n') == std::string::npos);
    }
    if (auto reply = launcher::read_launcher_reply(packet)) {
        const auto again = launcher::read_launcher_reply(launcher::to_text(*reply));
        must(again && *again == *reply);
        if (reply->what == launcher::launcher_reply::kind::result)
            if (const auto packets = launcher::result_packets(reply->body))
                for (const auto& one : *packets) must(launcher::read_launcher_reply(one));
        launcher::result_joiner joiner;
        static_cast<void>(joiner.take(std::move(*reply)));
    }
    return 0;
}
