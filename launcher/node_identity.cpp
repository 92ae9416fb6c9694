#include "launcher/node_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"
#include "storage/sha256.h"

namespace launcher {

namespace {

// Empty: not there. What cannot be read or is too large has an identity too, one that equals no other.
std::string hash_of(const std::string& file) {
    if (::access(file.c_str(), F_OK) != 0) return {};
    const storage::unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    constexpr off_t limit = 1 << 20;
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > limit) return "unreadable";
    std::string bytes(static_cast<std::size_t>(info.st_size), 0);
    const ssize_t got = ::pread(fd.get(), bytes.data(), bytes.size(), 0);
    return got == info.st_size ? storage::sha256_hex(bytes) : "unreadable";
}

}  // namespace

node_identity read_node_identity(const std::string& kubelet_minor, const std::vector<std::string>& files,
                                 const node_files& where) {
    node_identity out;
    out.kubelet_conf = hash_of(where.kubelet_conf);
    out.ca = hash_of(where.ca);
    out.kubelet_minor = kubelet_minor;
    for (const auto& file : files)
        if (::access(file.c_str(), F_OK) == 0) out.files.push_back(file);
    return out;
}

std::string node_difference(const node_identity& recorded, const node_identity& now) {
    const auto changed = [](const std::string& was, const std::string& is) {
        return was != is || was == "unreadable";
    };
    if (changed(recorded.kubelet_conf, now.kubelet_conf))
        return now.kubelet_conf.empty() ? "kubelet.conf is gone" : "kubelet.conf is another one";
    if (changed(recorded.ca, now.ca)) return now.ca.empty() ? "the cluster's CA is gone" : "the cluster's CA is another one";
    if (!recorded.kubelet_minor.empty() && !now.kubelet_minor.empty() && recorded.kubelet_minor != now.kubelet_minor)
        return "the kubelet was " + recorded.kubelet_minor + " and is " + now.kubelet_minor;
    for (const auto& file : recorded.files)
        if (::access(file.c_str(), F_OK) != 0) return file + ", which the component needs, is gone";
    return {};
}

protocol::json to_json(const node_identity& identity) {
    protocol::json::array files(identity.files.begin(), identity.files.end());
    return protocol::json::object{{"kubeletConf", identity.kubelet_conf},
                                  {"ca", identity.ca},
                                  {"kubeletMinor", identity.kubelet_minor},
                                  {"files", std::move(files)}};
}

node_identity node_identity_from(const protocol::json& value) {
    node_identity out;
    out.kubelet_conf = value.get_string("kubeletConf");
    out.ca = value.get_string("ca");
    out.kubelet_minor = value.get_string("kubeletMinor");
    const auto* files = value.find("files");
    if (files && files->if_array())
        for (const auto& file : *files->if_array())
            if (file.if_string()) out.files.push_back(*file.if_string());
    return out;
}

}  // namespace launcher
