#include "launcher/elf_file.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "launcher/exec_check.h"

namespace launcher {

namespace {

// No Go program comes near them (some 40 sections, 10 segments; kubelet: 155 MB).
constexpr std::uint64_t largest_file = 4ull << 30;
constexpr std::uint64_t largest_debug = 4ull << 30;  // unpacked
constexpr std::size_t most_sections = 1024, most_segments = 256;
constexpr std::size_t longest_interpreter = 4096;
constexpr std::uint64_t best_deflate = 1032;  // zlib's largest ratio

constexpr int host_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr int host_order = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

#if defined(__x86_64__)
constexpr std::uint32_t relative_relocation = R_X86_64_RELATIVE;
#elif defined(__aarch64__)
constexpr std::uint32_t relative_relocation = R_AARCH64_RELATIVE;
#elif defined(__powerpc64__)
constexpr std::uint32_t relative_relocation = R_PPC64_RELATIVE;
#elif defined(__riscv)
constexpr std::uint32_t relative_relocation = R_RISCV_RELATIVE;
#else
constexpr std::uint32_t relative_relocation = 0;  // none: R_*_NONE changes nothing
#endif

outcome<elf_file> malformed(const std::string& path, const std::string& what) {
    return path + " is damaged (" + what + "): build it again";
}

bool is_debug_name(std::string_view name) {
    return name.starts_with(".debug_") || name.starts_with(".zdebug_");
}

// Calls f(section, header, name) until it returns true.
template <class F>
bool any_section(Elf* elf, F f) {
    std::size_t names = 0;
    if (elf_getshdrstrndx(elf, &names) != 0) return false;
    for (Elf_Scn* scn = nullptr; (scn = elf_nextscn(elf, scn)) != nullptr;) {
        GElf_Shdr header;
        if (gelf_getshdr(scn, &header) == nullptr) return false;
        const char* name = elf_strptr(elf, names, header.sh_name);
        if (f(scn, header, std::string_view(name != nullptr ? name : ""))) return true;
    }
    return false;
}

template <class F>
bool any_segment(Elf* elf, F f) {
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) return false;
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) return false;
        if (f(header)) return true;
    }
    return false;
}

std::uint64_t from_big_endian(const char* bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

}  // namespace

outcome<elf_file> elf_file::of(int fd, const std::string& path) {
    if (const auto program = check_elf(path, fd); !program) return program.error();
    struct stat info {};
    unsigned char ident[EI_NIDENT];
    if (::fstat(fd, &info) != 0 || ::pread(fd, ident, sizeof ident, 0) != sizeof ident)
        return path + " cannot be read: " + std::strerror(errno) + "; correct its mode";
    if (ident[EI_CLASS] != host_class || ident[EI_DATA] != host_order)
        return path +
               " is a program of another word size or byte order than this machine's: build it "
               "with "
               "this machine's GOARCH";
    if (static_cast<std::uint64_t>(info.st_size) > largest_file)
        return path + " is larger than 4 GiB, which no Go program is: name the right file";
    if (elf_version(EV_CURRENT) == EV_NONE)
        return std::string(
            "libelf is older than the one delvegate was built with: install libelf1");
    // Not ELF_C_READ_MMAP: a file cut short while it is mapped would end us with SIGBUS.
    Elf* elf = elf_begin(fd, ELF_C_READ, nullptr);
    if (elf == nullptr) return malformed(path, elf_errmsg(-1));
    elf_file result(elf, fd, path);
    std::size_t sections = 0, segments = 0, names = 0;
    if (elf_kind(elf) != ELF_K_ELF || elf_getshdrnum(elf, &sections) != 0 ||
        elf_getphdrnum(elf, &segments) != 0)
        return malformed(path, elf_errmsg(-1));
    if (sections > most_sections || segments > most_segments)
        return malformed(path, "too many sections or segments");
    if (sections > 0 && elf_getshdrstrndx(elf, &names) != 0) return malformed(path, elf_errmsg(-1));
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const bool outside = any_section(elf, [&](Elf_Scn*, const GElf_Shdr& header, std::string_view) {
        return header.sh_type != SHT_NOBITS && header.sh_type != SHT_NULL &&
               (header.sh_offset > size || header.sh_size > size - header.sh_offset);
    });
    if (outside) return malformed(path, "a section lies outside the file");
    return outcome<elf_file>(boost::system::in_place_value, std::move(result));
}

elf_file::~elf_file() {
    if (elf_ != nullptr) elf_end(elf_);
}

bool elf_file::read_at(std::uint64_t offset, char* to, std::size_t length) const {
    while (length > 0) {
        if (offset > largest_file) return false;
        const auto n = ::pread(fd_, to, length, static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        to += n;
        offset += static_cast<std::uint64_t>(n);
        length -= static_cast<std::size_t>(n);
    }
    return true;
}

bool elf_file::has_section(std::string_view wanted) const {
    return any_section(elf_, [&](Elf_Scn*, const GElf_Shdr& header, std::string_view name) {
        return name == wanted && header.sh_type != SHT_NOBITS && header.sh_size > 0;
    });
}

std::uint64_t elf_file::section_address(std::string_view wanted) const {
    std::uint64_t address = 0;
    any_section(elf_, [&](Elf_Scn*, const GElf_Shdr& header, std::string_view name) {
        if (name == wanted) address = header.sh_addr;
        return name == wanted;
    });
    return address;
}

std::string elf_file::section(std::string_view wanted, std::size_t limit) const {
    std::string bytes;
    any_section(elf_, [&](Elf_Scn*, const GElf_Shdr& header, std::string_view name) {
        if (name != wanted) return false;
        if (header.sh_type != SHT_NOBITS && (header.sh_flags & SHF_COMPRESSED) == 0 &&
            header.sh_size <= limit) {
            bytes.resize(header.sh_size);
            if (!read_at(header.sh_offset, bytes.data(), bytes.size())) bytes.clear();
        }
        return true;
    });
    return bytes;
}

bool elf_file::has_debug_info() const {
    return has_section(".debug_info") || has_section(".zdebug_info");
}

bool elf_file::has_symbols() const { return has_section(".symtab"); }

outcome<std::uint64_t> elf_file::debug_bytes() const {
    std::uint64_t sum = 0;
    std::string wrong;
    any_section(elf_, [&](Elf_Scn* scn, const GElf_Shdr& header, std::string_view name) {
        if (!is_debug_name(name) || header.sh_type == SHT_NOBITS) return false;
        std::uint64_t unpacked = header.sh_size;
        bool packed = false;
        if ((header.sh_flags & SHF_COMPRESSED) != 0) {
            GElf_Chdr compression;
            if (gelf_getchdr(scn, &compression) == nullptr ||
                compression.ch_type != ELFCOMPRESS_ZLIB) {
                wrong = "section " + std::string(name) + " is compressed in an unknown way";
                return true;
            }
            unpacked = compression.ch_size;
            packed = true;
        } else if (name.starts_with(".z")) {  // Go <= 1.18: "ZLIB" and the size
            char head[12];
            if (header.sh_size < sizeof head || !read_at(header.sh_offset, head, sizeof head) ||
                std::memcmp(head, "ZLIB", 4) != 0) {
                wrong = "section " + std::string(name) + " is compressed in an unknown way";
                return true;
            }
            unpacked = from_big_endian(head + 4);
            packed = true;
        }
        if (packed && unpacked > header.sh_size * best_deflate) {
            wrong = "section " + std::string(name) + " claims an incredible size";
            return true;
        }
        if (unpacked > largest_debug - sum) {
            wrong = "more than 4 GiB of debug information";
            return true;
        }
        sum += unpacked;
        return false;
    });
    if (!wrong.empty()) return path_ + " is damaged (" + wrong + "): build it again";
    return sum;
}

std::string elf_file::interpreter() const {
    std::string name;
    any_segment(elf_, [&](const GElf_Phdr& header) {
        if (header.p_type != PT_INTERP) return false;
        if (header.p_filesz <= longest_interpreter) {
            name.resize(header.p_filesz);
            if (!read_at(header.p_offset, name.data(), name.size())) name.clear();
            name.resize(std::strlen(name.c_str()));
        }
        return true;
    });
    return name;
}

std::optional<std::string> elf_file::memory(std::uint64_t address, std::size_t length) const {
    std::optional<std::string> bytes;
    any_segment(elf_, [&](const GElf_Phdr& header) {
        if (header.p_type != PT_LOAD || address < header.p_vaddr) return false;
        const auto within = address - header.p_vaddr;
        if (within > header.p_filesz || length > header.p_filesz - within) return false;
        if (header.p_offset > largest_file || within > largest_file) return true;
        std::string read(length, '\0');
        if (read_at(header.p_offset + within, read.data(), length)) bytes = std::move(read);
        return true;
    });
    return bytes;
}

std::optional<std::uint64_t> elf_file::pointer(std::uint64_t address) const {
    std::uintptr_t stored = 0;
    const auto bytes = memory(address, sizeof stored);
    if (!bytes) return std::nullopt;
    std::memcpy(&stored, bytes->data(), sizeof stored);
    std::uint64_t value = stored;
    GElf_Ehdr file;
    if (gelf_getehdr(elf_, &file) == nullptr || file.e_type != ET_DYN || relative_relocation == 0)
        return value;
    any_section(elf_, [&](Elf_Scn* scn, const GElf_Shdr& header, std::string_view) {
        if (header.sh_type != SHT_RELA || header.sh_entsize == 0) return false;
        Elf_Data* data = elf_getdata(scn, nullptr);
        if (data == nullptr) return false;
        GElf_Rela relocation;
        for (int i = 0; gelf_getrela(data, i, &relocation) != nullptr; ++i) {
            if (relocation.r_offset != address ||
                GELF_R_TYPE(relocation.r_info) != relative_relocation)
                continue;
            value = static_cast<std::uint64_t>(relocation.r_addend);
            return true;
        }
        return false;
    });
    return value;
}

std::optional<std::string> elf_file::go_string(std::uint64_t address, std::size_t limit) const {
    const auto text = pointer(address);
    const auto bytes = memory(address + sizeof(void*), sizeof(std::uintptr_t));
    if (!text || !bytes) return std::nullopt;
    std::uintptr_t length = 0;
    std::memcpy(&length, bytes->data(), sizeof length);
    if (length > limit) return std::nullopt;
    if (length == 0) return std::string();
    return memory(*text, length);
}

std::optional<elf_symbol> elf_file::data_symbol(std::string_view wanted) const {
    const auto vendored = "/vendor/" + std::string(wanted);
    std::optional<elf_symbol> found;
    any_section(elf_, [&](Elf_Scn* scn, const GElf_Shdr& header, std::string_view) {
        if (header.sh_type != SHT_SYMTAB) return false;
        Elf_Data* data = elf_getdata(scn, nullptr);
        if (data == nullptr) return false;
        GElf_Sym symbol;
        for (int i = 0; gelf_getsym(data, i, &symbol) != nullptr; ++i) {
            if (GELF_ST_TYPE(symbol.st_info) != STT_OBJECT) continue;
            const char* text = elf_strptr(elf_, header.sh_link, symbol.st_name);
            if (text == nullptr) continue;
            const std::string_view name(text);
            if (name != wanted && !name.ends_with(vendored)) continue;
            found = elf_symbol{std::string(name), symbol.st_value, symbol.st_size};
            return true;
        }
        return false;
    });
    return found;
}

}  // namespace launcher
