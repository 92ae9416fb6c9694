// A laptop whose IDE and gateway are strings: what each has been told.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "gateway/conversation.h"
#include "protocol/dap.h"
#include "protocol/json.h"

using protocol::json;

struct laptop : gateway::view_ends {
    void to_ide(std::string_view bytes) override { ide += bytes; }
    void to_gateway(std::string_view bytes) override { gateway += bytes; }
    void rebuilt() override { ++is_rebuilt; }
    void not_rebuilt(const std::string& reason) override { refused = reason.empty() ? "left" : reason; }

    std::chrono::system_clock::time_point now() const override { return time; }

    std::string take_ide() { return std::exchange(ide, {}); }
    std::string take_gateway() { return std::exchange(gateway, {}); }

    // Bodies of the frames that have come to the gateway, or to the IDE.
    static std::vector<json> frames(std::string bytes) {
        std::vector<json> out;
        protocol::frame_decoder decoder(1 << 20);
        decoder.feed(bytes);
        protocol::error_code ec;
        while (const auto body = decoder.next(ec)) out.push_back(protocol::parse_json(*body).value());
        EXPECT_FALSE(ec);
        EXPECT_EQ(decoder.buffered(), 0u);
        return out;
    }

    void ask(std::int64_t seq, std::string_view command, std::string_view arguments = "{}") {
        talk.from_ide(protocol::frame("{\"seq\":" + std::to_string(seq) + ",\"type\":\"request\",\"command\":\"" + std::string(command) +
                                      "\",\"arguments\":" + std::string(arguments) + "}"));
    }
    static std::string response(std::int64_t seq, std::int64_t to, std::string_view command, std::string_view body = "{}",
                                bool success = true) {
        return protocol::frame("{\"seq\":" + std::to_string(seq) + ",\"type\":\"response\",\"request_seq\":" + std::to_string(to) +
                               ",\"success\":" + (success ? "true" : "false") + ",\"command\":\"" + std::string(command) +
                               "\",\"body\":" + std::string(body) + "}");
    }
    static std::string event(std::int64_t seq, std::string_view name, std::string_view body = "{}") {
        return protocol::frame("{\"seq\":" + std::to_string(seq) + ",\"type\":\"event\",\"event\":\"" + std::string(name) + "\",\"body\":" +
                               std::string(body) + "}");
    }

    static constexpr std::string_view set_one = R"({"source":{"path":"/a.go"},"breakpoints":[{"line":7}]})";
    static constexpr std::string_view shown_one = R"({"breakpoints":[{"id":3,"verified":true,"line":7}]})";

    // As VS Code does it; the last message that the IDE has is number 7, a stop.
    void attach_and_stop() {
        ask(1, "initialize", R"({"adapterID":"go"})");
        talk.from_gateway(response(1, 1, "initialize"));
        ask(2, "attach", R"({"mode":"remote","stopOnEntry":false})");
        talk.from_gateway(event(2, "initialized") + response(3, 2, "attach"));
        ask(3, "setBreakpoints", set_one);
        talk.from_gateway(response(4, 3, "setBreakpoints", shown_one));
        ask(4, "configurationDone");
        talk.from_gateway(event(5, "output", R"({"output":"Type 'dlv help' for list of commands.\n"})") +
                          response(6, 4, "configurationDone"));
        talk.from_gateway(event(7, "stopped", R"({"reason":"breakpoint","threadId":1})"));
        take_ide();
        take_gateway();
    }
    // What a gateway answers to that; `set`: to setBreakpoints.
    void answer_preamble(const std::vector<json>& asked, std::string_view set, bool stands) {
        std::int64_t seq = 0;
        for (const auto& one : asked) {
            const auto command = one.get_string("command");
            const auto to = one.get_int("seq");
            if (to < 1'000'000) continue;
            if (command == "attach") talk.from_gateway(event(++seq, "initialized"));
            if (command == "configurationDone") {
                if (stands) talk.from_gateway(event(++seq, "stopped", R"({"reason":"pause"})"));
                talk.from_gateway(event(++seq, "output", R"({"category":"console","output":"Type 'dlv help' for list of commands.\n"})"));
            }
            talk.from_gateway(response(++seq, to, command, command == "setBreakpoints" ? set : "{}"));
        }
    }
    static std::vector<std::string> said(const std::vector<json>& messages) {
        std::vector<std::string> out;
        for (const auto& one : messages)
            out.push_back(one.get_string("type") == "event" ? std::string(one.get_string("event")) : std::string(one.get_string("command")));
        return out;
    }
    using words = std::vector<std::string>;

    std::string ide, gateway, refused;
    int is_rebuilt = 0;
    std::chrono::system_clock::time_point time = std::chrono::system_clock::now();
    gateway::conversation talk{*this};
};
