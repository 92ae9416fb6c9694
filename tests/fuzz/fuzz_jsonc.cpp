// Settings of editors: what is JSON reads the same as JSON; what is added to a text can be taken out again, and neither
// changes anything else.
#include "protocol/jsonc_edit.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace protocol;
    const auto text = fuzz::text(data, size);
    const auto root = read_jsonc(text);
    if (const auto strict = parse_json(text, {.fold_keys = false})) must(root && to_json(*root, text) == *strict);
    if (!root || (root->what != jsonc::kind::object && root->what != jsonc::kind::array) || root->find("new")) return 0;
    const json value = json::object{{"a", json::array{1}}};
    const auto with = add_item(text, *root, "new", value);
    const auto more = read_jsonc(with);
    must(more && more->items.size() == root->items.size() + 1 && to_json(more->items.back().value, with) == value);
    const auto without = remove_item(with, *more, root->items.size());
    must(root->items.empty() || without == text);
    const auto back = read_jsonc(without);
    must(back && to_json(*back, without) == to_json(*root, text));
    for (std::size_t index = 0; index < root->items.size(); ++index) {
        const auto less = remove_item(text, *root, index);
        const auto rest = read_jsonc(less);
        must(rest && rest->items.size() + 1 == root->items.size());
    }
    return 0;
}
