// What a program on an emulated board tells its host, by semihosting.
#ifndef HOST_H_
#define HOST_H_

#include <stddef.h>
#include <stdint.h>

// Prints text on the host's standard output.
void say(const char* text);

// Prints the bytes of an array as hexadecimal digits, in the order of memory, as one line.
void say_bytes(const void* bytes, size_t count);

// Prints a number in decimal.
void say_number(uint32_t number);

// Ends the emulator with a status.
void leave(int status) __attribute__((noreturn));

#endif
