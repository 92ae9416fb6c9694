// A conversation on the laptop: whatever is said there, by the IDE or by the gateway, goes on byte for byte as long as there is one
// gateway, and another one can be told.
#include "gateway/conversation.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct both_ends final : gateway::view_ends {
    void to_ide(std::string_view bytes) override { ide += bytes; }
    void to_gateway(std::string_view bytes) override { gateway += bytes; }
    void rebuilt() override { must(!over); }
    void not_rebuilt(const std::string&) override { over = true; }
    std::string ide, gateway;
    bool over = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto wire = fuzz::text(data, size);
    for (const std::size_t step : {size + 1, std::size_t{1}, std::size_t{11}}) {
        both_ends ends;
        gateway::conversation talk(ends);
        for (const auto piece : support::chunks(wire, step)) talk.from_ide(piece);
        must(wire.starts_with(ends.gateway));
        {
            both_ends other;
            gateway::conversation once(other);
            once.from_ide(wire);
            must(other.gateway == ends.gateway);
            must(other.gateway + once.release() == wire);
        }
        for (const auto piece : support::chunks(wire, step)) talk.from_gateway(piece);
        must(wire.starts_with(ends.ide));
        for (int life = 0; life < 2 && talk.hindrance().empty() && !ends.over; ++life) {
            talk.gateway_gone();
            talk.from_ide(wire);
            if (ends.over) break;
            talk.begin_again();
            // It hears its own words, and what another gateway may have said.
            const auto said = ends.gateway;
            talk.from_gateway(said);
            talk.from_gateway(wire);
        }
        talk.end("the end");
    }
    return 0;
}
