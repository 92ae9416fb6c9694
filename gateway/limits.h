// What one gateway allows, with the defaults. Every member is a key under `limits:` of gateway.yaml
// (config_table.cpp holds the key, unit and sentence of each).
#pragma once

#include <chrono>
#include <cstddef>

namespace gateway {

struct limits {
    // Before a certificate was verified.
    std::chrono::milliseconds handshake_time = std::chrono::seconds(10);
    std::size_t handshakes = 64;              // at once, all sources together
    std::size_t handshakes_per_source = 8;    // at once, one address
    std::size_t handshake_rate = 50;          // per second and address, with a burst of twice that

    // Verified connections.
    std::size_t connections = 1000;              // handshakes included
    std::size_t connections_per_identity = 64;
    std::size_t streams_per_link = 64;
    std::chrono::milliseconds idle_time = std::chrono::hours(12);      // a raw stream without a byte
    std::chrono::milliseconds link_idle_time = std::chrono::hours(1);  // a link without a stream
    std::chrono::milliseconds ping_time = std::chrono::seconds(15);    // a silent link is asked; gone after three

    // Broken links of `delvegate connect`.
    std::chrono::milliseconds resume_time = std::chrono::minutes(10);  // for it to come back
    std::size_t resume_links = 8;             // of one user
    std::size_t resume_buffer = 256u << 20;   // bytes, all together, and 64 KiB for each stream

    // One viewer.
    std::size_t viewer_buffer = 64u << 20;  // bytes queued towards an IDE that does not read
    std::size_t viewer_window = 1u << 20;   // bytes from a raw client not yet dealt with

    // One message.
    std::size_t rpc_request = 4u << 20;     // bytes
    std::size_t dap_request = 4u << 20;     // bytes; go-dap's own bound
    std::size_t rpc_reply = 1u << 30;       // bytes, as the IDE gets it
    std::size_t dap_reply = 1u << 30;       // bytes, as the IDE gets it
    std::size_t depth = 64;                 // arrays and objects nested in each other

    // Code that somebody calls in a program.
    std::chrono::milliseconds call_time = std::chrono::seconds(30);

    // People of one session.
    std::size_t output_kept = 64u << 10;  // bytes of what a program printed last, for those who come later; 0: none
    std::size_t followers = 128;          // of the sessions, by the control API
    std::size_t followers_per_user = 8;   // of them

    std::chrono::milliseconds drain_time = std::chrono::seconds(10);
};

}  // namespace gateway
