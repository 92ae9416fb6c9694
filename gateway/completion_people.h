// People as this host's CA knows them, for completion.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace gateway {

enum class known_people { all, revoked, not_revoked };

// Of each state directory that this user owns and that has a CA: who has or had a certificate, or has a token that can be used;
// of the revoked, those that `ca revoke --user` shut out. The others are left out, without a word. Makes no CA.
std::set<std::string> people_of_ca(const std::vector<std::string>& state_directories, known_people which);

}  // namespace gateway
