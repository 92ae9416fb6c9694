#include "storage/sqlite.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace storage {

namespace {

std::string errno_text() { return std::generic_category().message(errno); }

// Made and looked at before SQLite opens it: SQLite would follow the umask, and take any file.
outcome<void> prepare_file(const std::string& file) {
    int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    // To close a file that SQLite has open would take its locks away, but for an O_PATH descriptor.
    if (fd < 0 && errno == EEXIST) fd = ::open(file.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return "cannot open " + file + ": " + errno_text();
    struct stat info {};
    const bool seen = ::fstat(fd, &info) == 0;
    ::close(fd);
    if (!seen || !S_ISREG(info.st_mode)) return file + " is not a regular file";
    if (info.st_uid != ::geteuid()) return file + " belongs to another user; run this as its owner";
    if (info.st_mode & 0077)
        return file + " can be read or changed by others than its owner; run: chmod 600 " + file;
    return {};
}

}  // namespace

outcome<database> database::open(const std::string& file, std::chrono::milliseconds patience,
                                std::string if_damaged) {
    using result = outcome<database>;
    const auto failed = [](std::string why) { return result(boost::system::in_place_error, std::move(why)); };
    if (auto fit = prepare_file(file); !fit) return failed(fit.error());
    database out;
    out.file_ = file;
    out.patience_ = patience;
    out.if_damaged_ = std::move(if_damaged);
    sqlite3* handle = nullptr;
    const int opened =
        sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    out.handle_.reset(handle);
    if (opened != SQLITE_OK) {
        out.fail(opened);
        return failed(out.fault_);
    }
    sqlite3_busy_timeout(handle, static_cast<int>(patience.count()));
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    out.run("PRAGMA journal_mode=WAL");
    out.run("PRAGMA synchronous=FULL");
    out.run("PRAGMA foreign_keys=ON");
    out.run("PRAGMA cell_size_check=ON");
    if (out.ok()) {
        statement check(out, "PRAGMA quick_check(1)");
        if (check.next() && check.text(0) != "ok") out.fail(SQLITE_CORRUPT);
    }
    if (!out.ok()) return failed(out.fault_);
    return result(boost::system::in_place_value, std::move(out));
}

void database::fail(int code) {
    if (!fault_.empty()) return;
    const std::string words = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            fault_ = file_ + " is locked by another process, for more than " + std::to_string(patience_.count()) +
                     " ms; try again when that has ended";
            return;
        case SQLITE_FULL:
            fault_ = "the disk has no room for " + file_ + "; nothing was changed; free some space and try again";
            return;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            fault_ = file_ + " is damaged; " + if_damaged_;
            return;
        default:
            fault_ = "cannot use " + file_ + ": " + words;
    }
}

void database::run(const char* sql) {
    if (ok()) statement(*this, sql).run();
}

std::int64_t database::number(const char* sql) {
    if (!ok()) return 0;
    statement one(*this, sql);
    return one.next() ? one.number(0) : 0;
}

void statement::prepare(std::string_view sql) {
    if (!in_.ok()) return;
    sqlite3_stmt* handle = nullptr;
    const int code = sqlite3_prepare_v2(in_.handle_.get(), sql.data(), static_cast<int>(sql.size()), &handle, nullptr);
    handle_.reset(handle);
    check(code);
}

void statement::check(int code) {
    if (code != SQLITE_OK) in_.fail(code);
}

void statement::bind(int at, std::int64_t value) {
    if (in_.ok()) check(sqlite3_bind_int64(handle_.get(), at, value));
}

void statement::bind(int at, const std::string& value) {
    if (in_.ok())
        check(sqlite3_bind_text(handle_.get(), at, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT));
}

void statement::bind(int at, const std::optional<std::int64_t>& value) {
    if (value) return bind(at, *value);
    if (in_.ok()) check(sqlite3_bind_null(handle_.get(), at));
}

bool statement::next() {
    if (!in_.ok()) return false;
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) in_.fail(code);
    return false;
}

std::string statement::text(int column) const {
    const auto* bytes = sqlite3_column_text(handle_.get(), column);
    if (!bytes) return {};
    return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::optional<std::int64_t> statement::maybe(int column) const {
    if (sqlite3_column_type(handle_.get(), column) == SQLITE_NULL) return std::nullopt;
    return number(column);
}

transaction::transaction(database& in) : in_(in) {
    in_.fault_.clear();
    in_.run("BEGIN IMMEDIATE");
    open_ = in_.ok();
}

transaction::~transaction() {
    // Some errors have rolled back already; then this one fails, and that is all right.
    if (open_) sqlite3_exec(in_.handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

outcome<void> transaction::commit() {
    in_.run("COMMIT");
    if (!in_.ok()) return in_.fault_;
    open_ = false;
    return {};
}

}  // namespace storage
