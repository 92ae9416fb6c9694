// Makes ELF files byte by byte: what no compiler at hand makes any more, and what none ever would.
#pragma once

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "launcher/elf_file.h"
#include "launcher/fd.h"

namespace launcher_test {

template <class T>
std::string bytes_of(const T& value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

struct elf_builder {
    struct elf_part {
        std::string name;
        std::uint32_t type = SHT_PROGBITS;
        std::uint64_t flags = 0, address = 0;
        std::string bytes;
        std::uint32_t link = 0;  // index in the file: parts count from 1
        std::uint64_t entry = 0;
        std::uint64_t claimed_size = 0;  // instead of bytes.size()
    };
    std::vector<elf_part> parts;
    Elf64_Half type = ET_EXEC;
    std::string loader;

    static Elf64_Ehdr host_header() {
        Elf64_Ehdr header{};
        std::ifstream("/proc/self/exe", std::ios::binary)
            .read(reinterpret_cast<char*>(&header), sizeof header);
        return header;
    }

    elf_builder& add(std::string name, std::string bytes, std::uint64_t address = 0) {
        parts.push_back({std::move(name), SHT_PROGBITS, 0, address, std::move(bytes)});
        return *this;
    }

    // Parts with an address are a segment each.
    std::string build() const {
        auto all = parts;
        std::string names(1, '\0');
        all.push_back({".shstrtab", SHT_STRTAB, 0, 0, ""});
        std::vector<std::uint32_t> name_at;
        for (const auto& part : all) {
            name_at.push_back(static_cast<std::uint32_t>(names.size()));
            names += part.name + '\0';
        }
        all.back().bytes = names;

        auto header = host_header();
        std::vector<Elf64_Phdr> segments;
        std::size_t count = loader.empty() ? 0 : 1;
        for (const auto& part : all) count += part.address != 0 ? 1 : 0;
        std::uint64_t at = sizeof header + count * sizeof(Elf64_Phdr);
        std::string body;
        std::vector<Elf64_Shdr> sections(1);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto& part = all[i];
            Elf64_Shdr section{};
            section.sh_name = name_at[i];
            section.sh_type = part.type;
            section.sh_flags = part.flags;
            section.sh_addr = part.address;
            section.sh_offset = at + body.size();
            section.sh_size = part.claimed_size != 0 ? part.claimed_size : part.bytes.size();
            section.sh_link = part.link;
            section.sh_entsize = part.entry;
            section.sh_addralign = 1;
            sections.push_back(section);
            if (part.address != 0) {
                Elf64_Phdr segment{};
                segment.p_type = PT_LOAD;
                segment.p_offset = section.sh_offset;
                segment.p_vaddr = part.address;
                segment.p_filesz = segment.p_memsz = part.bytes.size();
                segments.push_back(segment);
            }
            body += part.bytes;
            body.resize((body.size() + 7) / 8 * 8);
        }
        if (!loader.empty()) {
            Elf64_Phdr segment{};
            segment.p_type = PT_INTERP;
            segment.p_offset = at + body.size();
            segment.p_filesz = loader.size() + 1;
            segments.push_back(segment);
            body += loader + '\0';
            body.resize((body.size() + 7) / 8 * 8);
        }
        header.e_type = type;
        header.e_entry = 0;
        header.e_phoff = sizeof header;
        header.e_phnum = static_cast<Elf64_Half>(segments.size());
        header.e_shoff = at + body.size();
        header.e_shnum = static_cast<Elf64_Half>(sections.size());
        header.e_shstrndx = static_cast<Elf64_Half>(sections.size() - 1);
        std::string file = bytes_of(header);
        for (const auto& segment : segments) file += bytes_of(segment);
        file += body;
        for (const auto& section : sections) file += bytes_of(section);
        return file;
    }
};

// A directory of a test's own, and files in it.
class scratch {
public:
    scratch() : path_("/tmp/delvegate-binary-XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) std::abort();
    }
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }
    std::string file(const std::string& name, const std::string& bytes, mode_t mode = 0755) const {
        const auto full = path_ + "/" + name;
        std::ofstream(full, std::ios::binary) << bytes;
        ::chmod(full.c_str(), mode);
        return full;
    }

private:
    std::string path_;
};

// The file opened and read, together with what it needs to live.
struct opened_elf {
    launcher::unique_fd fd;
    launcher::outcome<launcher::elf_file> file;

    explicit opened_elf(const std::string& path)
        : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
          file(launcher::elf_file::of(fd.get(), path)) {}
};

}  // namespace launcher_test
