#include "launcher/go_buildinfo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "launcher/fd.h"

namespace launcher {

namespace {

constexpr std::string_view magic = "\xff Go buildinf:";
constexpr std::size_t header_size = 32;
constexpr std::size_t pointer_size_at = 14, flags_at = 15, pointers_at = 16;
constexpr char flag_big_endian = 1, flag_inline = 2;
constexpr std::size_t largest_info = 4u << 20;  // kubelet's: 20 kB
constexpr std::size_t longest_version = 256;
constexpr std::size_t sentinel = 16;  // bytes before and after the module's lines

// A length (LEB128) and as many bytes.
std::optional<std::string_view> take_string(std::string_view& from) {
    std::uint64_t length = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        if (from.empty()) return std::nullopt;
        const auto byte = static_cast<unsigned char>(from.front());
        from.remove_prefix(1);
        length |= std::uint64_t(byte & 0x7f) << shift;
        if ((byte & 0x80) != 0) continue;
        if (length > from.size()) return std::nullopt;
        const auto text = from.substr(0, length);
        from.remove_prefix(length);
        return text;
    }
    return std::nullopt;
}

std::string_view between_sentinels(std::string_view text) {
    if (text.size() < 2 * sentinel + 1 || text[text.size() - sentinel - 1] != '\n') return {};
    return text.substr(sentinel, text.size() - 2 * sentinel);
}

// Go quotes a value with a blank, a quote or a backquote in it. Escapes for other than those are
// rare and left as they are.
std::string unquoted(std::string_view text) {
    if (text.size() < 2 || text.front() != text.back() ||
        (text.front() != '"' && text.front() != '`'))
        return std::string(text);
    const bool raw = text.front() == '`';
    text = text.substr(1, text.size() - 2);
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (raw || text[i] != '\\' || i + 1 == text.size()) {
            result += text[i];
            continue;
        }
        const char next = text[++i];
        if (next == '"' || next == '\\')
            result += next;
        else if (next == 't' || next == 'n')
            result += next == 't' ? '\t' : '\n';
        else
            result.append({'\\', next});
    }
    return result;
}

std::string_view take_field(std::string_view& line) {
    const auto end = std::min(line.find('\t'), line.size());
    const auto field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return field;
}

}  // namespace

std::string_view go_buildinfo::setting(std::string_view key) const {
    for (const auto& [name, value] : settings)
        if (name == key) return value;
    return {};
}

void parse_module_info(std::string_view text, go_buildinfo& into) {
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        auto line = text.substr(begin, end - begin);
        begin = end + 1;
        const auto kind = take_field(line);
        if (kind == "path") {
            into.path = line;
        } else if (kind == "mod") {
            into.module = take_field(line);
            into.module_version = take_field(line);
        } else if (kind == "build") {
            const auto equals = line.find('=');
            if (equals == line.npos) continue;
            into.settings.emplace_back(line.substr(0, equals), unquoted(line.substr(equals + 1)));
        }
    }
}

std::optional<go_buildinfo> read_go_buildinfo(const elf_file& file) {
    constexpr std::string_view name = ".go.buildinfo";
    const auto bytes = file.section(name, largest_info);
    if (bytes.size() < header_size || !bytes.starts_with(magic)) return std::nullopt;
    go_buildinfo result;
    const char flags = bytes[flags_at];
    if ((flags & flag_inline) != 0) {
        std::string_view rest = std::string_view(bytes).substr(header_size);
        const auto version = take_string(rest);
        if (!version || version->size() > longest_version) return std::nullopt;
        result.go_version = *version;
        if (const auto module = take_string(rest))
            parse_module_info(between_sentinels(*module), result);
        return result;
    }
    // Two pointers to string variables, of this machine's order and size as all of the file.
    if (static_cast<std::size_t>(bytes[pointer_size_at]) != sizeof(void*) ||
        (flags & flag_big_endian) != (std::endian::native == std::endian::big ? 1 : 0))
        return std::nullopt;
    const auto address = file.section_address(name);
    const auto version_at = file.pointer(address + pointers_at);
    const auto module_at = file.pointer(address + pointers_at + sizeof(void*));
    if (!version_at) return std::nullopt;
    const auto version = file.go_string(*version_at, longest_version);
    if (!version || version->empty()) return std::nullopt;
    result.go_version = *version;
    if (module_at && *module_at != 0)
        if (const auto module = file.go_string(*module_at, largest_info))
            parse_module_info(between_sentinels(*module), result);
    return result;
}

std::optional<go_buildinfo> find_module_info(int fd) {
    // cmd/go's, since 1.13: 16 bytes before the lines and 16 after.
    constexpr std::string_view begin_mark("\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6", sentinel);
    constexpr std::string_view end_mark("\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2", sentinel);
    constexpr std::size_t piece = 1u << 20;
    constexpr off_t furthest = off_t{1} << 30;
    const std::string first_words = std::string(begin_mark) + "path\t";  // the mark alone is in whatever looks for it
    std::string text;
    for (off_t at = 0; at < furthest;) {
        const std::size_t had = text.size();
        text.resize(had + piece);
        const auto n = ::pread(fd, text.data() + had, piece, at);
        if (n < 0 && errno == EINTR) {
            text.resize(had);
            continue;
        }
        if (n <= 0) return std::nullopt;
        text.resize(had + static_cast<std::size_t>(n));
        at += n;
        const auto begin = text.find(first_words);
        if (begin == text.npos) {
            text.erase(0, text.size() - std::min(text.size(), first_words.size() - 1));
            continue;
        }
        text.erase(0, begin);
        const auto end = text.find(end_mark);
        if (end != text.npos) {
            go_buildinfo found;
            parse_module_info(std::string_view(text).substr(sentinel, end - sentinel), found);
            return found;
        }
        if (text.size() > largest_info) return std::nullopt;
    }
    return std::nullopt;
}

outcome<std::string> go_version_of(const std::string& path) {
    const auto failure = [](std::string words) {
        return outcome<std::string>(boost::system::in_place_error, std::move(words));
    };
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0)
        return failure(path + " cannot be read: " + std::strerror(errno) +
                       "; correct its path or mode");
    if (!S_ISREG(info.st_mode)) return failure(path + " is not a regular file: correct its path");
    const auto file = elf_file::of(fd.get(), path);
    if (!file) return failure(file.error());
    auto build = read_go_buildinfo(*file);
    if (!build) return failure(path + " is not a program made by Go: correct its path");
    return outcome<std::string>(boost::system::in_place_value, std::move(build->go_version));
}

}  // namespace launcher
