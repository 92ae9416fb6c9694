#include "protocol/json_place.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>

namespace protocol {

std::optional<std::size_t> json_fault(std::string_view text) {
    struct ignore : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ignore> {
    } nothing;
    // RapidJSON takes a NUL for the end of the text.
    const auto nul = text.find('\0');
    rapidjson::MemoryStream stream(text.data(), std::min(nul, text.size()));
    rapidjson::Reader reader;
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
    if (const auto done = reader.Parse<flags>(stream, nothing); done.IsError()) return done.Offset();
    if (nul != std::string_view::npos) return nul;
    return std::nullopt;
}

}  // namespace protocol
