// SQLite for one process's one connection: errors are kept and told once, at the end of a transaction.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/outcome.h"

namespace storage {

// The first error wins; nothing is done after it until the next transaction or forget_fault(). Not for
// more than one thread.
class database {
public:
    // Makes the file (0600) when it is not there. Refused: a file that others can read or that another
    // user owns, a link, a damaged one. Write-ahead log, every commit on the disk before it returns; a
    // lock that another process holds is waited for as long as `patience`. `if_damaged` ends the line that
    // says so: what to do about this very file, and what was lost with it.
    static outcome<database> open(const std::string& file, std::chrono::milliseconds patience, std::string if_damaged);

    bool ok() const { return fault_.empty(); }
    const std::string& fault() const { return fault_; }  // one line for a person
    const std::string& file() const { return file_; }
    void forget_fault() { fault_.clear(); }  // before something new outside of a transaction

    void run(const char* sql);
    std::int64_t number(const char* sql);  // of the first column of the first row
    int changes() const { return sqlite3_changes(handle_.get()); }
    // Changes when another connection has written.
    std::int64_t data_version() { return number("PRAGMA data_version"); }

private:
    friend class statement;
    friend class transaction;
    struct closer {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    database() = default;
    void fail(int code);

    std::unique_ptr<sqlite3, closer> handle_;
    std::string file_;
    std::string if_damaged_;
    std::string fault_;
    std::chrono::milliseconds patience_{};
};

class statement {
public:
    // Binds the values to ?1, ?2, … in their order.
    template <class... Values>
    statement(database& in, std::string_view sql, const Values&... values) : in_(in) {
        prepare(sql);
        int at = 0;
        (bind(++at, values), ...);
    }
    statement(const statement&) = delete;
    statement& operator=(const statement&) = delete;

    bool next();  // a row is there
    void run() {
        while (next()) {
        }
    }
    std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
    std::string text(int column) const;
    std::optional<std::int64_t> maybe(int column) const;

private:
    struct finisher {
        void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
    };
    void prepare(std::string_view sql);
    void bind(int at, std::int64_t value);
    void bind(int at, const std::string& value);
    void bind(int at, const std::optional<std::int64_t>& value);
    void check(int code);

    database& in_;
    std::unique_ptr<sqlite3_stmt, finisher> handle_;
};

// Begun for writing at once, so that two processes take turns; undone unless committed.
class transaction {
public:
    explicit transaction(database& in);
    ~transaction();
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;

    // Fails, and nothing has happened, when anything within has failed.
    outcome<void> commit();

private:
    database& in_;
    bool open_ = false;
};

}  // namespace storage
