$ swift test
Building for debugging...
Build complete!
◇ Suite GateTests started.
✔ Test "refuses a request without the token" passed after 0.023 seconds.
✔ Test "lets a request with the token pass, and keeps the token to itself" passed after 0.023 seconds.
✔ Test "needs a token in its configuration" passed after 0.029 seconds.
✔ Test run with 3 tests in 1 suite passed after 0.046 seconds.
