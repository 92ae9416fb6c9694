// Does nothing: it is there for the headers that tests/CMakeLists.txt has compiled with it.
int main() {}
