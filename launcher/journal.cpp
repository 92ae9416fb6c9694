#include "launcher/journal.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "launcher/journal_rows.h"
#include "launcher/launcher_config.h"
#include "storage/fd.h"

namespace launcher {

namespace {

using storage::database;
using storage::statement;
using storage::transaction;

constexpr std::int64_t schema_version = 1;

constexpr std::pair<journal_step, const char*> step_names[] = {
    {journal_step::planned, "planned"},     {journal_step::launched, "launched"},
    {journal_step::guarded, "guarded"},     {journal_step::detaching, "detaching"},
    {journal_step::detached, "detached"},   {journal_step::running, "running"},
    {journal_step::returning, "returning"}, {journal_step::returned, "returned"},
    {journal_step::failed, "failed"},       {journal_step::closed, "closed"},
};

// Names, not numbers: a person may have to read it with sqlite3 alone.
constexpr const char* schema = R"(
CREATE TABLE detachment (
  id TEXT PRIMARY KEY, component TEXT NOT NULL, kind TEXT NOT NULL, started_by TEXT NOT NULL,
  since_wall INTEGER NOT NULL, since_boot INTEGER NOT NULL, since_boot_id TEXT NOT NULL,
  step TEXT NOT NULL, plan_hash TEXT NOT NULL,
  target_file TEXT NOT NULL DEFAULT '', held_file TEXT NOT NULL DEFAULT '', target_hash TEXT NOT NULL DEFAULT '',
  node TEXT NOT NULL DEFAULT '', unit TEXT NOT NULL DEFAULT '',
  dlv_pid INTEGER NOT NULL DEFAULT 0, dlv_started INTEGER NOT NULL DEFAULT 0,
  debuggee_pid INTEGER NOT NULL DEFAULT 0, debuggee_started INTEGER NOT NULL DEFAULT 0,
  guard_pid INTEGER NOT NULL DEFAULT 0, guard_started INTEGER NOT NULL DEFAULT 0,
  socket TEXT NOT NULL DEFAULT '', drop_in TEXT NOT NULL DEFAULT '', drop_in_hash TEXT NOT NULL DEFAULT '',
  deadline_wall INTEGER, deadline_boot INTEGER, deadline_boot_id TEXT,
  beat_wall INTEGER NOT NULL, beat_boot INTEGER NOT NULL, beat_boot_id TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '') STRICT)";
constexpr const char* one_active =
    "CREATE UNIQUE INDEX one_active ON detachment(component) WHERE step <> 'closed'";
constexpr const char* step_log = R"(
CREATE TABLE step_log (
  id TEXT NOT NULL, step TEXT NOT NULL, note TEXT NOT NULL,
  wall INTEGER NOT NULL, boot INTEGER NOT NULL, boot_id TEXT NOT NULL) STRICT)";
constexpr const char* verb_log = R"(
CREATE TABLE verb_log (
  who TEXT NOT NULL, uid INTEGER, verb TEXT NOT NULL, component TEXT NOT NULL, result TEXT NOT NULL,
  wall INTEGER NOT NULL, boot INTEGER NOT NULL, boot_id TEXT NOT NULL) STRICT)";

outcome<void> make_schema(database& db) {
    transaction all(db);
    const auto version = db.number("PRAGMA user_version");
    if (db.ok() && version > schema_version)
        return db.file() + " was written by a newer delvegate; upgrade this one, or move the file away once "
                           "`delvegate restore` of the newer one has put everything back";
    if (db.ok() && version == 0) {
        for (const auto* sql : {schema, one_active, step_log, verb_log}) db.run(sql);
        db.run("PRAGMA user_version=1");
    }
    return all.commit();
}

outcome<std::string> new_id() {
    std::array<unsigned char, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return outcome<std::string>(boost::system::in_place_error, "no random numbers from the kernel; try again");
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const auto b : bytes) {
        out += digits[b >> 4];
        out += digits[b & 15];
    }
    return outcome<std::string>(boost::system::in_place_value, std::move(out));
}


void log_step(database& db, const std::string& id, journal_step step, const std::string& note, const moment& at) {
    statement(db, "INSERT INTO step_log VALUES(?1,?2,?3,?4,?5,?6)", id, std::string(name_of(step)), note, at.wall, at.boot,
              at.boot_id)
        .run();
}

void set(database& db, const std::string& id, const char* column, const std::optional<std::string>& value) {
    if (value && db.ok())
        statement(db, std::string("UPDATE detachment SET ") + column + "=?2 WHERE id=?1", id, *value).run();
}

void set(database& db, const std::string& id, const std::string& who, const std::optional<process_mark>& value) {
    if (value && db.ok())
        statement(db, "UPDATE detachment SET " + who + "_pid=?2, " + who + "_started=?3 WHERE id=?1", id,
                  std::int64_t{value->pid}, static_cast<std::int64_t>(value->started))
            .run();
}

void apply(database& db, const std::string& id, const detachment_changes& changes) {
    set(db, id, "target_file", changes.target_file);
    set(db, id, "held_file", changes.held_file);
    set(db, id, "target_hash", changes.target_hash);
    set(db, id, "node", changes.node);
    set(db, id, "unit", changes.unit);
    set(db, id, "socket", changes.socket);
    set(db, id, "drop_in", changes.drop_in);
    set(db, id, "drop_in_hash", changes.drop_in_hash);
    set(db, id, "note", changes.note);
    set(db, id, std::string("dlv"), changes.dlv);
    set(db, id, std::string("debuggee"), changes.debuggee);
    set(db, id, std::string("guard"), changes.guard);
    if (changes.deadline && db.ok())
        statement(db, "UPDATE detachment SET deadline_wall=?2, deadline_boot=?3, deadline_boot_id=?4 WHERE id=?1", id,
                  changes.deadline->wall, changes.deadline->boot, changes.deadline->boot_id)
            .run();
}

process_mark mark_at(const statement& row, int column) {
    return {static_cast<pid_t>(row.number(column)), static_cast<std::uint64_t>(row.number(column + 1))};
}

constexpr const char* columns =
    "SELECT id,component,kind,started_by,since_wall,since_boot,since_boot_id,step,plan_hash,target_file,held_file,"
    "target_hash,node,unit,dlv_pid,dlv_started,debuggee_pid,debuggee_started,guard_pid,guard_started,socket,drop_in,"
    "drop_in_hash,deadline_wall,deadline_boot,deadline_boot_id,beat_wall,beat_boot,beat_boot_id,note FROM detachment ";

// None: a step or kind that this version does not know; what it means is not guessed.
std::optional<detachment> read_row(const statement& row) {
    detachment out;
    out.id = row.text(0);
    out.component = row.text(1);
    const auto kind = row.text(2);
    const auto known = kind_named(kind);
    if (!known) return std::nullopt;
    out.kind = *known;
    out.started_by = row.text(3);
    out.since = moment_at(row, 4);
    const auto step = step_named(row.text(7));
    if (!step) return std::nullopt;
    out.step = *step;
    out.plan_hash = row.text(8);
    out.target_file = row.text(9);
    out.held_file = row.text(10);
    out.target_hash = row.text(11);
    out.node = row.text(12);
    out.unit = row.text(13);
    out.dlv = mark_at(row, 14);
    out.debuggee = mark_at(row, 16);
    out.guard = mark_at(row, 18);
    out.socket = row.text(20);
    out.drop_in = row.text(21);
    out.drop_in_hash = row.text(22);
    if (row.maybe(23)) out.deadline = moment_at(row, 23);
    out.heartbeat = moment_at(row, 26);
    out.note = row.text(29);
    return out;
}

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

template <class T>
outcome<T> done(T value) {
    return outcome<T>(boost::system::in_place_value, std::move(value));
}

}  // namespace

const char* name_of(journal_step step) {
    for (const auto& [value, name] : step_names)
        if (value == step) return name;
    return "?";
}

std::optional<journal_step> step_named(std::string_view name) {
    for (const auto& [value, text] : step_names)
        if (name == text) return value;
    return std::nullopt;
}

outcome<journal> journal::open(const std::string& directory, std::chrono::milliseconds patience) {
    const auto system_error = [&](const char* what) {
        return failed<journal>(std::string("cannot ") + what + " " + directory + " for the launcher's journal: " +
                               std::generic_category().message(errno));
    };
    const bool made = ::mkdir(directory.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return system_error("make");
    const storage::unique_fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return system_error("open");
    if (info.st_uid != ::geteuid())
        return failed<journal>(directory + " belongs to another user; run: chown " + std::to_string(::geteuid()) + " " +
                               directory);
    if ((info.st_mode & 0077) != 0)
        return failed<journal>(directory + " is open to others than its owner; run: chmod 700 " + directory);
    const std::string file = directory + "/journal.db";
    auto db = database::open(file, patience,
                             "what is out is put back by `delvegate restore` without it; then move it away: mv " + file +
                                 " " + file + ".damaged");
    if (!db) return failed<journal>(db.error());
    if (auto ready = make_schema(*db); !ready) return failed<journal>(ready.error());
    // The names of the new files too: SQLite flushes what is in them.
    if (::fsync(fd.get()) != 0) return system_error("flush");
    if (made) {
        const storage::unique_fd parent(::openat(fd.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!parent || ::fsync(parent.get()) != 0) return system_error("flush the parent of");
    }
    return done(journal(std::move(*db)));
}

outcome<detachment> journal::begin(const detachment_start& start) {
    auto id = new_id();
    if (!id) return failed<detachment>(id.error());
    const auto at = now();
    transaction all(db_);
    {
        statement before(db_, "SELECT id,step FROM detachment WHERE component=?1 AND step<>'closed'", start.component);
        if (before.next())
            return failed<detachment>(start.component + " is out already (session " + before.text(0) + ", " +
                                      before.text(1) + "); run: delvegate restore " + start.component);
    }
    statement(db_,
              "INSERT INTO detachment(id,component,kind,started_by,since_wall,since_boot,since_boot_id,step,plan_hash,"
              "beat_wall,beat_boot,beat_boot_id) VALUES(?1,?2,?3,?4,?5,?6,?7,'planned',?8,?5,?6,?7)",
              *id, start.component, std::string(to_string(start.kind)), start.started_by, at.wall, at.boot, at.boot_id,
              start.plan_hash)
        .run();
    apply(db_, *id, start.known);
    log_step(db_, *id, journal_step::planned, start.known.note.value_or(""), at);
    if (auto written = all.commit(); !written) return failed<detachment>(written.error());
    auto row = find(start.component);
    if (!row) return failed<detachment>(row.error());
    if (!*row) return failed<detachment>(db_.file() + " has forgotten what was just written to it");
    return done(std::move(**row));
}

outcome<void> journal::advance(const std::string& id, journal_step step, const detachment_changes& changes) {
    transaction all(db_);
    statement(db_, "UPDATE detachment SET step=?2 WHERE id=?1 AND step<>'closed'", id, std::string(name_of(step))).run();
    if (db_.ok() && db_.changes() == 0) return db_.file() + " has no active session " + id;
    apply(db_, id, changes);
    log_step(db_, id, step, changes.note.value_or(""), now());
    return all.commit();
}

outcome<void> journal::beat(const std::string& id, const std::optional<moment>& deadline) {
    const auto at = now();
    transaction all(db_);
    statement(db_, "UPDATE detachment SET beat_wall=?2,beat_boot=?3,beat_boot_id=?4 WHERE id=?1 AND step<>'closed'", id, at.wall,
              at.boot, at.boot_id)
        .run();
    if (db_.ok() && db_.changes() == 0) return db_.file() + " has no active session " + id;
    if (deadline)
        statement(db_, "UPDATE detachment SET deadline_wall=?2,deadline_boot=?3,deadline_boot_id=?4 WHERE id=?1 AND "
                       "step='running'", id, deadline->wall, deadline->boot, deadline->boot_id)
            .run();
    return all.commit();
}

outcome<std::vector<detachment>> journal::read(const std::string& component) {
    db_.forget_fault();
    std::vector<detachment> out;
    {
        statement rows(db_,
                       std::string(columns) +
                           "WHERE step<>'closed' AND (?1='' OR component=?1) ORDER BY since_wall, rowid",
                       component);
        while (rows.next()) {
            auto row = read_row(rows);
            if (!row)
                return failed<std::vector<detachment>>(db_.file() + " has a session that this delvegate does not know how "
                                                                    "to read; use the version that wrote it");
            out.push_back(std::move(*row));
        }
    }
    if (!db_.ok()) return failed<std::vector<detachment>>(db_.fault());
    return done(std::move(out));
}

outcome<std::vector<detachment>> journal::active() { return read(""); }

outcome<std::optional<detachment>> journal::find(const std::string& component) {
    using result = std::optional<detachment>;
    if (component.empty()) return done(result());
    auto rows = read(component);
    if (!rows) return failed<result>(rows.error());
    return done(rows->empty() ? result() : result(std::move(rows->front())));
}

}  // namespace launcher
