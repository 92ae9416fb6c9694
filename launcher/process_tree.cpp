#include "launcher/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace launcher {

namespace {

// "/proc/PID/NAME" without snprintf, which may allocate.
class proc_path {
public:
    proc_path(pid_t pid, const char* name) noexcept {
        append("/proc/");
        char digits[16];
        std::size_t count = 0;
        do {
            digits[count++] = static_cast<char>('0' + pid % 10);
            pid /= 10;
        } while (pid > 0);
        while (count > 0) text_[size_++] = digits[--count];
        append(name);
        text_[size_] = '\0';
    }
    const char* c_str() const noexcept { return text_; }

private:
    void append(const char* part) noexcept {
        while (*part != '\0' && size_ + 1 < sizeof text_) text_[size_++] = *part++;
    }
    char text_[64];
    std::size_t size_ = 0;
};

std::size_t read_small(const char* path, char* buffer, std::size_t size) noexcept {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const auto n = ::read(fd, buffer, size - 1);
    ::close(fd);
    const std::size_t length = n > 0 ? static_cast<std::size_t>(n) : 0;
    buffer[length] = '\0';
    return length;
}

long number(const char*& at) noexcept {
    while (*at == ' ') ++at;
    const bool negative = *at == '-';
    if (negative) ++at;
    long value = 0;
    while (*at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
    return negative ? -value : value;
}

struct entry {
    pid_t pid;
    process_stat stat;
    int generation;  // 0: not of the family; 1: child; 2: grandchild …
};

// One look at /proc. Memory comes from mmap; a machine with more processes than fit is looked at
// again by the caller's next round.
class snapshot {
public:
    snapshot() noexcept {
        void* memory = ::mmap(nullptr, capacity * sizeof(entry), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return;
        entries_ = static_cast<entry*>(memory);
        fill();
    }
    snapshot(const snapshot&) = delete;
    snapshot& operator=(const snapshot&) = delete;
    ~snapshot() {
        if (entries_ != nullptr) ::munmap(entries_, capacity * sizeof(entry));
    }
    entry* begin() noexcept { return entries_; }
    entry* end() noexcept { return entries_ + size_; }

    // /proc lists its processes by number.
    const entry* find(pid_t pid) const noexcept {
        std::size_t low = 0, high = size_;
        while (low < high) {
            const auto middle = (low + high) / 2;
            if (entries_[middle].pid < pid)
                low = middle + 1;
            else
                high = middle;
        }
        return low < size_ && entries_[low].pid == pid ? &entries_[low] : nullptr;
    }

private:
    static constexpr std::size_t capacity = 1 << 17;

    struct directory_entry {  // linux_dirent64; the name follows, ended by NUL
        std::uint64_t inode;
        std::int64_t offset;
        unsigned short length;
        unsigned char type;
    };
    static constexpr std::size_t name_offset = 19;

    void fill() noexcept {
        const int fd = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return;
        alignas(directory_entry) char buffer[16 * 1024];
        for (;;) {
            const auto n = ::syscall(SYS_getdents64, fd, buffer, sizeof buffer);
            if (n <= 0) break;
            for (long at = 0; at < n;) {
                const auto* item = reinterpret_cast<const directory_entry*>(buffer + at);
                const char* digits = buffer + at + name_offset;
                at += item->length;
                if (*digits < '1' || *digits > '9' || size_ == capacity) continue;
                entry found{static_cast<pid_t>(number(digits)), {}, 0};
                if (read_stat(found.pid, found.stat)) entries_[size_++] = found;
            }
        }
        ::close(fd);
    }

    entry* entries_ = nullptr;
    std::size_t size_ = 0;
};

// Signals the process that was seen, never another one that got its number since: once a pidfd is
// open, the number is compared again with what was seen. False when it is gone or not ours to
// signal.
bool kill_seen(const entry& seen, bool by_parent) noexcept {
    const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, seen.pid, 0));
    if (fd < 0) return false;
    process_stat now;
    const bool same = read_stat(seen.pid, now) && now.session == seen.stat.session &&
                      (!by_parent || now.parent == seen.stat.parent);
    const bool sent = same && ::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0) == 0;
    ::close(fd);
    return sent;
}

}  // namespace

bool read_stat(pid_t pid, process_stat& stat) noexcept {
    char text[512];
    if (read_small(proc_path(pid, "/stat").c_str(), text, sizeof text) == 0) return false;
    // The second field is the name in parentheses, which may itself contain any of these
    // characters.
    const char* at = std::strrchr(text, ')');
    if (at == nullptr || at[1] != ' ') return false;
    at += 2;
    stat.state = *at++;
    stat.parent = static_cast<pid_t>(number(at));
    stat.group = static_cast<pid_t>(number(at));
    stat.session = static_cast<pid_t>(number(at));
    return true;
}

std::uint64_t resident_memory(pid_t pid) noexcept {
    char text[128];
    if (read_small(proc_path(pid, "/statm").c_str(), text, sizeof text) == 0) return 0;
    const char* at = text;
    number(at);
    return static_cast<std::uint64_t>(number(at)) *
           static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

int kill_descendants(pid_t ancestor) noexcept {
    snapshot processes;
    int deepest = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (auto& process : processes) {
            if (process.generation != 0) continue;
            const entry* parent = processes.find(process.stat.parent);
            if (process.stat.parent == ancestor)
                process.generation = 1;
            else if (parent != nullptr && parent->generation != 0)
                process.generation = parent->generation + 1;
            else
                continue;
            deepest = process.generation > deepest ? process.generation : deepest;
            changed = true;
        }
    }
    int living = 0;
    for (int generation = deepest; generation > 0; --generation) {
        for (const auto& process : processes)
            // A zombie too: its first thread may be gone while others run on.
            if (process.generation == generation && kill_seen(process, true) &&
                process.stat.state != 'Z')
                ++living;
    }
    return living;
}

int kill_session(pid_t session) noexcept {
    snapshot processes;
    int living = 0;
    for (const auto& process : processes) {
        if (process.pid == session || process.stat.session != session) continue;
        if (kill_seen(process, false) && process.stat.state != 'Z') ++living;
    }
    return living;
}

}  // namespace launcher
