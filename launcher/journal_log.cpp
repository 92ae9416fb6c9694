// The journal's two logs, which only grow until they are pruned.
#include "launcher/journal.h"
#include "launcher/journal_rows.h"

namespace launcher {

namespace {

using storage::statement;
using storage::transaction;

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

template <class T>
outcome<T> done(T value) {
    return outcome<T>(boost::system::in_place_value, std::move(value));
}

}  // namespace

outcome<std::vector<journal::logged_step>> journal::steps(const std::string& id) {
    db_.forget_fault();
    std::vector<logged_step> out;
    {
        statement rows(db_, "SELECT wall,boot,boot_id,step,note FROM step_log WHERE id=?1 ORDER BY rowid", id);
        while (rows.next())
            if (const auto step = step_named(rows.text(3))) out.push_back({moment_at(rows, 0), *step, rows.text(4)});
    }
    if (!db_.ok()) return failed<std::vector<logged_step>>(db_.fault());
    return done(std::move(out));
}

outcome<journal::returns_seen> journal::returns(const std::string& component, std::chrono::seconds within) {
    db_.forget_fault();
    returns_seen out;
    {
        statement rows(db_,
                       "SELECT COUNT(DISTINCT id),MAX(wall) FROM step_log WHERE step='returned' AND wall>?2 AND id IN (SELECT id "
                       "FROM detachment WHERE component=?1) AND id IN (SELECT id FROM step_log WHERE step='detached')",
                       component, now().wall - std::int64_t{within.count()});
        if (rows.next()) out = {rows.number(0), rows.maybe(1).value_or(0)};
    }
    if (!db_.ok()) return failed<returns_seen>(db_.fault());
    return done(out);
}

outcome<void> journal::log_verb(const verb_record& verb) {
    const auto at = now();
    transaction all(db_);
    statement(db_, "INSERT INTO verb_log VALUES(?1,?2,?3,?4,?5,?6,?7,?8)", verb.who, verb.uid, verb.verb, verb.component,
              verb.result, at.wall, at.boot, at.boot_id)
        .run();
    return all.commit();
}

outcome<std::vector<journal::logged_verb>> journal::verbs(std::size_t at_most) {
    db_.forget_fault();
    std::vector<logged_verb> out;
    {
        statement rows(db_,
                       "SELECT wall,boot,boot_id,who,uid,verb,component,result FROM verb_log ORDER BY rowid DESC LIMIT ?1",
                       static_cast<std::int64_t>(at_most));
        while (rows.next())
            out.push_back({moment_at(rows, 0), {rows.text(3), rows.maybe(4), rows.text(5), rows.text(6), rows.text(7)}});
    }
    if (!db_.ok()) return failed<std::vector<logged_verb>>(db_.fault());
    return done(std::move(out));
}

outcome<void> journal::prune(std::chrono::seconds age) {
    const std::int64_t before = now().wall - age.count();
    transaction all(db_);
    statement(db_, "DELETE FROM detachment WHERE step='closed' AND since_wall<=?1", before).run();
    statement(db_, "DELETE FROM step_log WHERE wall<=?1 AND id NOT IN (SELECT id FROM detachment)", before).run();
    statement(db_, "DELETE FROM verb_log WHERE wall<=?1", before).run();
    return all.commit();
}

}  // namespace launcher
