#include "gateway/ide.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace gateway {

std::string in_folder(const std::string& path, const std::string& folder, std::string_view variable) {
    if (path == folder) return std::string(variable);
    const auto prefix = folder.ends_with('/') ? folder : folder + "/";
    return path.starts_with(prefix) ? std::string(variable) + "/" + path.substr(prefix.size()) : path;
}

or_reason<void> may_write_own_file(const project_files& files, const std::string& name, const std::string& text) {
    using answer = or_reason<void>;
    const auto was = files.read(name);
    if (!was) return answer(boost::system::in_place_error, was.error());
    if (*was && *was != text && !files.untouched(name, *was))
        return answer(boost::system::in_place_error, files.folder() + "/" + name + " is there and is not as delvegate wrote it; "
                                                     "move it away, or change it by hand (--print shows the text)");
    return {};
}

or_reason<ide::changes> write_own_file(const project_files& files, const std::string& name, const std::string& text) {
    using answer = or_reason<ide::changes>;
    if (const auto may = may_write_own_file(files, name, text); !may) return answer(boost::system::in_place_error, may.error());
    const auto was = files.read(name);
    if (!was) return answer(boost::system::in_place_error, was.error());
    const auto done = files.put(name, *was, text, was->has_value());
    if (!done) return answer(boost::system::in_place_error, done.error());
    return ide::changes{{name, *done}};
}

or_reason<void> may_remove_own_file(const project_files& files, const std::string& name, const std::optional<std::string>& like) {
    using answer = or_reason<void>;
    const auto was = files.read(name);
    if (!was) return answer(boost::system::in_place_error, was.error());
    if (*was && *was != like && !files.untouched(name, *was))
        return answer(boost::system::in_place_error, files.folder() + "/" + name + " has been changed since delvegate wrote it, "
                                                     "or was written on another host; delete it by hand");
    return {};
}

or_reason<ide::changes> remove_own_file(const project_files& files, const std::string& name, const std::optional<std::string>& like) {
    using answer = or_reason<ide::changes>;
    if (const auto may = may_remove_own_file(files, name, like); !may) return answer(boost::system::in_place_error, may.error());
    const auto was = files.read(name);
    if (!was) return answer(boost::system::in_place_error, was.error());
    if (!*was) return ide::changes{};
    const auto done = files.take(name, *was, std::nullopt, false);
    if (!done) return answer(boost::system::in_place_error, done.error());
    return ide::changes{{name, *done}};
}

std::vector<std::string> names_between(const project_files& files, const std::string& directory, std::string_view prefix, std::string_view suffix) {
    std::vector<std::string> out;
    std::error_code ec;
    for (std::filesystem::directory_iterator at(std::filesystem::path(files.folder()) / directory, ec), end; !ec && at != end; at.increment(ec)) {
        const auto name = at->path().filename().string();
        if (name.size() > prefix.size() + suffix.size() && name.starts_with(prefix) && name.ends_with(suffix))
            out.push_back(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace gateway
