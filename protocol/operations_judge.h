// What the two halves of the table, JSON-RPC and DAP, share: rows, and the refusals and limits that
// a row's check applies to arguments already read as their Go type.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/operations.h"
#include "protocol/schema.h"

namespace protocol::table {

// Narrows or refuses one request; sees canonical arguments.
using check = void (*)(judged& j, const clamps& limits);

struct row {
    std::string_view name{};
    service how = service::refuse;
    class_set classes{};
    const go_type* arguments = nullptr;  // null: Delve reads none, so none are passed on
    check then = nullptr;
    std::string_view reason{};  // of refuse
};

std::span<const row> rpc_rows();      // names with "RPCServer."
std::span<const row> command_rows();  // names of DebuggerCommand.Name
std::span<const row> dap_rows();
std::span<const row> evaluate_rows();  // "evaluate call", "evaluate dlv config"

const row* find(std::span<const row> rows, std::string_view name);

// Reads `in` by the row and applies its check.
judged apply(const row& r, std::string_view operation, const json& in, const clamps& limits);

void refuse(judged& j, std::string reason);
void refuse(judged& j, std::string reason, int dap_error, std::string_view dap_summary);

// The text of an evaluate decides what it is; called by the DAP row.
void judge_evaluate(judged& j, const clamps& limits);
// An expression that is words to delvegate: judged as that. False: it is none.
bool judge_words(judged& j, std::string_view text, bool dap);

void erase(json& object, std::string_view key);
bool has_text(const json& object, std::string_view key);

// Lowers a member to `most`.
void lower(json& object, std::string_view key, std::int64_t most);
// False, and refused, when a member is below zero (Delve would panic or do something absurd).
bool not_negative(judged& j, const json& object, std::string_view key);
// The members of a LoadConfig; null (absent) is fine. False when refused.
bool limit_load(judged& j, json* config, const clamps& limits);
// An EvalScope: a frame that Delve would allocate by the gigabyte for, or index below zero with.
bool limit_scope(judged& j, const json* scope, const clamps& limits);

}  // namespace protocol::table
