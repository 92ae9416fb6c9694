#include "protocol/operations.h"

#include <array>
#include <utility>

#include "protocol/operations_judge.h"

namespace protocol {
namespace {

constexpr std::array all_classes{op_class::observe, op_class::read,   op_class::trace,
                                 op_class::breakpoint, op_class::control, op_class::mutate,
                                 op_class::files,   op_class::lifecycle};

}  // namespace

std::string_view to_string(op_class c) {
    switch (c) {
        case op_class::observe: return "observe";
        case op_class::read: return "read";
        case op_class::trace: return "trace";
        case op_class::breakpoint: return "breakpoint";
        case op_class::control: return "control";
        case op_class::mutate: return "mutate";
        case op_class::files: return "files";
        case op_class::lifecycle: return "lifecycle";
    }
    return "unknown";
}

std::string to_string(class_set set) {
    std::string text;
    for (op_class c : all_classes) {
        if (!set.has(c)) continue;
        if (!text.empty()) text += ", ";
        text += to_string(c);
    }
    return text;
}

const std::vector<operation_row>& operation_table() {
    static const std::vector<operation_row> rows = [] {
        std::vector<operation_row> all;
        const auto add = [&](bool dap, std::span<const table::row> part) {
            for (const auto& r : part) all.push_back({dap, r.name, r.how, r.classes});
        };
        add(false, table::rpc_rows());
        add(false, table::command_rows());
        add(true, table::dap_rows());
        add(true, table::evaluate_rows());
        return all;
    }();
    return rows;
}

namespace table {

const row* find(std::span<const row> rows, std::string_view name) {
    for (const row& r : rows)
        if (r.name == name) return &r;
    return nullptr;
}

judged apply(const row& r, std::string_view operation, const json& in, const clamps& limits) {
    judged j;
    j.how = r.how;
    j.classes = r.classes;
    j.operation = operation;
    j.reason = r.reason;
    j.arguments = json(json::object{});
    if (r.arguments) {
        std::string error;
        if (!read_as(in, *r.arguments, j.arguments, error)) {
            j.arguments = json();
            refuse(j, "malformed request body: " + error);
            j.malformed = true;
            return j;
        }
    }
    if (r.then) r.then(j, limits);
    return j;
}

void refuse(judged& j, std::string reason) {
    j.how = service::refuse;
    j.reason = std::move(reason);
}

void refuse(judged& j, std::string reason, int dap_error, std::string_view dap_summary) {
    refuse(j, std::move(reason));
    j.dap_error = dap_error;
    j.dap_summary = dap_summary;
}

void erase(json& object, std::string_view key) {
    if (auto* members = object.if_object())
        std::erase_if(*members, [&](const json::member& m) { return m.first == key; });
}

bool has_text(const json& object, std::string_view key) { return !object.get_string(key).empty(); }

void lower(json& object, std::string_view key, std::int64_t most) {
    if (object.get_int(key) > most) object.set(key, json(most));
}

bool not_negative(judged& j, const json& object, std::string_view key) {
    if (object.get_int(key) >= 0) return true;
    refuse(j, std::string(key) + " must not be negative");
    return false;
}

bool limit_load(judged& j, json* config, const clamps& limits) {
    if (!config || !config->is_object()) return true;
    // Delve allocates both without a look at their sign.
    if (!not_negative(j, *config, "MaxStringLen") || !not_negative(j, *config, "MaxArrayValues"))
        return false;
    lower(*config, "MaxVariableRecurse", limits.max_variable_recurse);
    lower(*config, "MaxStringLen", limits.max_string_len);
    lower(*config, "MaxArrayValues", limits.max_array_values);
    lower(*config, "MaxStructFields", limits.max_struct_fields);
    return true;
}

bool limit_scope(judged& j, const json* scope, const clamps& limits) {
    if (!scope) return true;
    if (!not_negative(j, *scope, "Frame")) return false;
    // One below the limit, because Delve adds one before it allocates that many.
    if (scope->get_int("Frame") < limits.max_stack_depth) return true;
    refuse(j, "Frame is beyond the deepest stack the gateway asks for, " +
                  std::to_string(limits.max_stack_depth));
    return false;
}

}  // namespace table
}  // namespace protocol
