// Debug information made byte by byte: one compile unit a package, as Go writes them.
#pragma once

#include <dwarf.h>

#include <string>
#include <vector>

#include "elf_builder.h"

namespace launcher_test {

struct go_unit {
    std::string name, producer;
    int language = 0x16;  // DW_LANG_Go
};

inline void put(std::string& to, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) to += static_cast<char>(value >> (8 * i));
}

// Where the texts of a unit are: in it, by offset, or by index.
enum class texts { inline_, strp, strx };

inline elf_builder with_debug_info(int version, texts where, const std::vector<go_unit>& units) {
    const int form = where == texts::inline_ ? DW_FORM_string
                     : where == texts::strp  ? DW_FORM_strp
                                             : DW_FORM_strx1;
    std::string abbrev{1,
                       DW_TAG_compile_unit,
                       DW_CHILDREN_no,
                       DW_AT_name,
                       static_cast<char>(form),
                       DW_AT_language,
                       DW_FORM_data1,
                       DW_AT_producer,
                       static_cast<char>(form)};
    if (where == texts::strx) abbrev += {DW_AT_str_offsets_base, DW_FORM_sec_offset};
    abbrev += std::string(3, '\0');

    std::string info, strings, offsets;
    std::uint64_t count = 0;
    const auto put_text = [&](std::string& body, const std::string& text) {
        if (where == texts::inline_) {
            body += text + '\0';
            return;
        }
        if (where == texts::strp) put(body, strings.size(), 4);
        if (where == texts::strx) {
            put(body, count++, 1);
            put(offsets, strings.size(), 4);
        }
        strings += text + '\0';
    };
    for (const auto& unit : units) {
        std::string body{1};  // the abbreviation
        put_text(body, unit.name);
        put(body, static_cast<std::uint64_t>(unit.language), 1);
        put_text(body, unit.producer);
        if (where == texts::strx) put(body, 8, 4);
        std::string head;
        put(head, static_cast<std::uint64_t>(version), 2);
        if (version >= 5) {
            put(head, DW_UT_compile, 1);
            put(head, 8, 1);
            put(head, 0, 4);
        } else {
            put(head, 0, 4);
            put(head, 8, 1);
        }
        put(info, head.size() + body.size(), 4);
        info += head + body;
    }
    std::string table;
    put(table, offsets.size() + 4, 4);
    put(table, 5, 2);
    put(table, 0, 2);
    elf_builder builder;
    builder.add(".text", "code", 0x1000).add(".debug_abbrev", abbrev).add(".debug_info", info);
    if (!strings.empty()) builder.add(".debug_str", strings);
    if (!offsets.empty()) builder.add(".debug_str_offsets", table + offsets);
    return builder;
}

// What every Go program has since 1.18.
inline std::string go_buildinfo_section(const std::string& version) {
    return std::string("\xff Go buildinf:", 14) + std::string("\0\2", 2) + std::string(16, '\0') +
           static_cast<char>(version.size()) + version;
}

}  // namespace launcher_test
