// Heads of dlv's replies: once known they do not change with more bytes, and end where they say.
#include "protocol/rpc.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text(data, size);
    fuzz::check_growing(text, protocol::read_rpc_reply_head,
                        [&](const protocol::rpc_reply_head& head) {
                            must(text.starts_with("{\"id\":" + std::to_string(head.id)) &&
                                 text[head.prefix] == ',');
                        });
    fuzz::check_growing(text, protocol::read_frame_head, [&](const protocol::frame_head& head) {
        must(head.header <= size && text.substr(0, head.header).ends_with("\r\n\r\n"));
    });
    if (const auto head = protocol::read_dap_message_head(text)) must(text[head->prefix] == ',');
    return 0;
}
