// Writes what it was given to the file it is told first: its other arguments, then its environment, each ended by a NUL
// byte, with an empty string between the two lists.
#include <unistd.h>

#include <cstdio>

int main(int, char** argv) {
    std::FILE* file = std::fopen(argv[1], "we");
    if (file == nullptr) return 1;
    for (char** word = argv + 2; *word != nullptr; ++word) std::fprintf(file, "w%s%c", *word, 0);
    for (char** entry = environ; *entry != nullptr; ++entry) std::fprintf(file, "e%s%c", *entry, 0);
    return std::fclose(file) == 0 ? 0 : 1;
}
