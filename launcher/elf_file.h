// A program file's sections, symbols and memory image, read through libelf.
//
// Every size the file claims is checked against the file and against a limit before anything is
// read or unpacked. It is still a large parser: give it files that only root or the caller can have
// written (launcher/guarded_path.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "launcher/outcome.h"

struct Elf;

namespace launcher {

struct elf_symbol {
    std::string name;
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};

class elf_file {
public:
    // A program for this machine, of this word size and byte order. `path` is for the error's
    // words. `fd` must stay open, and is read with pread only: its offset is left alone.
    static outcome<elf_file> of(int fd, const std::string& path);

    elf_file(elf_file&& other) noexcept
        : elf_(std::exchange(other.elf_, nullptr)), fd_(other.fd_), path_(std::move(other.path_)) {}
    elf_file& operator=(elf_file&&) = delete;
    ~elf_file();

    Elf* handle() const { return elf_; }
    const std::string& path() const { return path_; }

    bool has_section(std::string_view name) const;
    std::uint64_t section_address(std::string_view name) const;  // 0: none
    // The bytes of a section that is not compressed, `limit` at most; empty: none, or larger.
    std::string section(std::string_view name, std::size_t limit) const;
    bool has_debug_info() const;  // .debug_info or .zdebug_info
    bool has_symbols() const;     // .symtab

    // What all debug sections hold together, unpacked, in bytes. An error where a section's claims
    // are not credible: it must not be unpacked then.
    outcome<std::uint64_t> debug_bytes() const;

    // The dynamic loader that the file names; empty where it needs none.
    std::string interpreter() const;

    // `length` bytes at an address of the loaded program, from the file; none where it does not lie
    // wholly within the file's part of one segment.
    std::optional<std::string> memory(std::uint64_t address, std::size_t length) const;
    // A pointer there; of a position-independent program what its relocation will make of it,
    // before the load address is added.
    std::optional<std::uint64_t> pointer(std::uint64_t address) const;
    // A Go string variable's text: the pointer and length at this address. None where it is longer
    // than `limit` or lies outside.
    std::optional<std::string> go_string(std::uint64_t address, std::size_t limit) const;

    // The first data symbol of .symtab that is `name`, or ends with "/vendor/" + `name`.
    std::optional<elf_symbol> data_symbol(std::string_view name) const;

private:
    elf_file(Elf* elf, int fd, std::string path) : elf_(elf), fd_(fd), path_(std::move(path)) {}
    bool read_at(std::uint64_t offset, char* to, std::size_t length) const;

    Elf* elf_ = nullptr;
    int fd_ = -1;
    std::string path_;
};

}  // namespace launcher
